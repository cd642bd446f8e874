/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/machine/cgroup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"
#include "fauxroot/machine/machine.h"
#include "fauxroot/machine/mountinfo.h"

int cgroup2_membership(const char *text, size_t size, char **ret)
{
	static const char removed[] = " (deleted)";
	struct cursor c = cursor_of_n(text, size), line;

	while (cursor_line(&c, &line)) {
		size_t n;

		if (!cursor_word(&line, "0::"))
			continue;
		n = cursor_left(&line);
		if (n == 0 || *line.at != '/' || memchr(line.at, '\0', n))
			return -ENOENT;
		if (n >= 3 && memcmp(line.at, "/..", 3) == 0 && (n == 3 || line.at[3] == '/'))
			return -ESTALE;
		if (n > strlen(removed) &&
		    memcmp(line.end - strlen(removed), removed, strlen(removed)) == 0)
			return -ESTALE;
		*ret = strndup(line.at, n);
		return *ret ? 0 : -ENOMEM;
	}
	return -ENOENT;
}

/* The part of @cgroup below @root: "" or "/…"; NULL if @cgroup is not below @root. */
static const char *below(const char *cgroup, const char *root)
{
	const char *rest = streq(root, "/") ? cgroup : str_after(cgroup, root);

	if (!rest || (*rest != '\0' && *rest != '/'))
		return NULL;
	return streq(rest, "/") ? "" : rest;
}

int cgroup2_directory(const char *text, size_t size, const char *cgroup, char **ret)
{
	struct cursor c = cursor_of_n(text, size);
	char *found = NULL;
	struct mount mount;
	int rc = -ENODEV;

	while (mountinfo_next(&c, &mount)) {
		const char *rest;

		if (!streq(mount.type, "cgroup2"))
			continue;
		rest = below(cgroup, mount.root);
		if (!rest) {
			rc = found ? 0 : -ENXIO;
			continue;
		}
		/* The last of several mounts on one mount point is on top. */
		free(found);
		found = str_format("%s%s", streq(mount.point, "/") && *rest ? "" : mount.point,
				   rest);
		if (!found)
			return -ENOMEM;
		rc = 0;
	}
	if (rc == 0)
		*ret = found;
	return rc;
}

int machine_cgroup2(const struct machine *machine, char **ret_cgroup, char **ret_dir)
{
	_cleanup_free_ char *memberships = NULL, *mounts = NULL, *cgroup = NULL;
	size_t size;
	int rc = machine_load(machine, "/proc/self/cgroup", &memberships, &size);

	*ret_dir = NULL;
	if (ret_cgroup)
		*ret_cgroup = NULL;
	if (rc == 0)
		rc = cgroup2_membership(memberships, size, &cgroup);
	if (rc == 0)
		rc = machine_load(machine, "/proc/self/mountinfo", &mounts, &size);
	if (rc == 0)
		rc = cgroup2_directory(mounts, size, cgroup, ret_dir);
	if (ret_cgroup)
		*ret_cgroup = TAKE_PTR(cgroup);
	return rc;
}

void cgroup_lacks(const char *text, const char *wanted, char *buf, size_t size)
{
	struct cursor c = cursor_of(wanted);
	size_t used = 0;

	*buf = '\0';
	while (!cursor_at_end(&c)) {
		const char *word;
		size_t n;

		cursor_until(&c, " ", &word, &n);
		cursor_char(&c, ' ');
		if (list_has(text, " \n", word, n) ||
		    str_print(buf + used, size - used, "%s%.*s", used > 0 ? " " : "", (int)n,
			      word) < 0)
			continue;
		used = strlen(buf);
	}
}

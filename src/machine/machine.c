/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/machine/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/spawn.h"
#include "fauxroot/base/str.h"

/* A limit far above real files: /etc/subuid may have 100,000 entries and more, about 3 MB (man 5
 * subuid); a busy host has some thousand mounts. */
#define MAX_FILE (64U << 20)

const struct machine this_machine = {.root = "", .services = true};

bool machine_path(const struct machine *machine, const char *path, char *buf, size_t size)
{
	/* Without another root a relative path starts in the working directory, else in the root.
	 */
	return str_print(buf, size, "%s%s%s", machine->root,
			 *path == '/' || !*machine->root ? "" : "/", path) == 0;
}

int machine_load(const struct machine *machine, const char *path, char **ret, size_t *ret_size)
{
	char full[PATH_MAX];

	if (!machine_path(machine, path, full, sizeof(full)))
		return -ENAMETOOLONG;
	return file_read_bounded(AT_FDCWD, full, MAX_FILE, ret, ret_size);
}

char *machine_read(const struct machine *machine, const char *path)
{
	char *text;

	return machine_load(machine, path, &text, NULL) < 0 ? NULL : text;
}

bool machine_first_line(const struct machine *machine, const char *path, char *buf, size_t size)
{
	_cleanup_free_ char *text = machine_read(machine, path);

	if (!text)
		return false;
	(void)str_print(buf, size, "%.*s", (int)strcspn(text, "\n"), text);
	str_printable(buf);
	return *buf != '\0';
}

bool machine_stat(const struct machine *machine, const char *path, struct stat *ret)
{
	char full[PATH_MAX];

	return machine_path(machine, path, full, sizeof(full)) && stat(full, ret) == 0;
}

bool machine_exists(const struct machine *machine, const char *path)
{
	char full[PATH_MAX];
	struct stat st;

	return machine_path(machine, path, full, sizeof(full)) && lstat(full, &st) == 0;
}

bool machine_self(const struct machine *machine, char *buf, size_t size)
{
	char link[PATH_MAX];
	ssize_t n = -1;

	if (machine_path(machine, "/proc/self/exe", link, sizeof(link)))
		n = readlink(link, buf, size - 1);
	buf[n > 0 ? n : 0] = '\0';
	return n > 0;
}

static bool is_file(const struct machine *machine, const char *path, mode_t bits)
{
	struct stat st;

	return machine_stat(machine, path, &st) && S_ISREG(st.st_mode) &&
	       (st.st_mode & bits) == bits;
}

bool machine_find(const struct machine *machine, const char *name, char *buf, size_t size)
{
	const char *path = path_variable();

	if (strchr(name, '/'))
		return str_print(buf, size, "%s", name) == 0 && is_file(machine, name, 0);
	while (path_next(&path, name, buf, size))
		if (*buf && is_file(machine, buf, 0))
			return true;
	return false;
}

bool machine_find_elsewhere(const struct machine *machine, const char *name, mode_t bits, char *dir,
			    size_t size)
{
	/* The first two are the directories of set-user-ID programs in NixOS and Guix. */
	static const char *const dirs[] = {
		"/run/wrappers/bin", "/run/privileged/bin", "/usr/local/bin", "/usr/bin", "/bin",
		"/usr/local/sbin",   "/usr/sbin",	    "/sbin",
	};
	char path[PATH_MAX];

	for (size_t i = 0; !strchr(name, '/') && i < ARRAY_SIZE(dirs); i++)
		if (str_print(path, sizeof(path), "%s/%s", dirs[i], name) == 0 &&
		    is_file(machine, path, bits))
			return str_print(dir, size, "%s", dirs[i]) == 0;
	return false;
}

bool osrelease_field(const char *text, const char *name, char *buf, size_t size)
{
	struct cursor c = cursor_of(text), line;

	while (cursor_line(&c, &line)) {
		const char *value;
		size_t n;
		char quote = '\0';

		if (!cursor_word(&line, name) || !cursor_char(&line, '='))
			continue;
		if (!cursor_at_end(&line) && strchr("\"'", *line.at))
			quote = *line.at++;
		cursor_until(&line, quote == '"' ? "\"" : quote ? "'" : " \t", &value, &n);
		return str_print(buf, size, "%.*s", (int)n, value) == 0;
	}
	return false;
}

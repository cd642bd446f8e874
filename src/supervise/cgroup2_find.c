/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup2_find.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"

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

/* One field of a line, with the octal escapes of mountinfo undone. False where it does not fit. */
static bool take_field(struct cursor *line, char *buf, size_t size)
{
	const char *at, *end;
	size_t n, used = 0;

	cursor_until(line, " ", &at, &n);
	cursor_char(line, ' ');
	for (end = at + n; at < end; at++) {
		char ch = *at;

		if (ch == '\\' && end - at >= 4 && at[1] >= '0' && at[1] <= '3' && at[2] >= '0' &&
		    at[2] <= '7' && at[3] >= '0' && at[3] <= '7') {
			ch = (char)((at[1] - '0') * 64 + (at[2] - '0') * 8 + (at[3] - '0'));
			at += 3;
		}
		if (used + 1 >= size || ch == '\0')
			return false;
		buf[used++] = ch;
	}
	buf[used] = '\0';
	return used > 0;
}

struct mount {
	char root[PATH_MAX], point[PATH_MAX];
};

/* The mount of @line, if it is one of cgroup2. */
static bool take_cgroup2(struct cursor line, struct mount *ret)
{
	char word[PATH_MAX];

	/* Mount ID, parent ID, device. */
	for (int i = 0; i < 3; i++)
		if (!take_field(&line, word, sizeof(word)))
			return false;
	if (!take_field(&line, ret->root, sizeof(ret->root)) ||
	    !take_field(&line, ret->point, sizeof(ret->point)))
		return false;
	/* Options and any number of tags. */
	do {
		if (!take_field(&line, word, sizeof(word)))
			return false;
	} while (!streq(word, "-"));
	return take_field(&line, word, sizeof(word)) && streq(word, "cgroup2");
}

/* What of @cgroup lies below @root: "" or "/…"; NULL where it lies elsewhere. */
static const char *below(const char *cgroup, const char *root)
{
	const char *rest = streq(root, "/") ? cgroup : str_after(cgroup, root);

	if (!rest || (*rest != '\0' && *rest != '/'))
		return NULL;
	return streq(rest, "/") ? "" : rest;
}

int cgroup2_directory(const char *text, size_t size, const char *cgroup, char **ret)
{
	struct cursor c = cursor_of_n(text, size), line;
	char *found = NULL;
	int rc = -ENODEV;

	while (cursor_line(&c, &line)) {
		struct mount mount;
		const char *rest;

		if (!take_cgroup2(line, &mount))
			continue;
		rest = below(cgroup, mount.root);
		if (!rest) {
			rc = found ? 0 : -ENOENT;
			continue;
		}
		/* The last of those mounted upon another is the one that a path leads to. */
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

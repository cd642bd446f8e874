/* SPDX-License-Identifier: Apache-2.0 */
#include "lines.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/str.h"

int lines_open(struct lines *lines, pid_t tid, const char *name)
{
	char path[64];

	lines->at = lines->end = 0;
	lines->fd = -1;
	if (str_print(path, sizeof(path), "/proc/%d/%s", tid, name) < 0)
		return -ENAMETOOLONG;
	lines->fd = open(path, O_RDONLY | O_CLOEXEC);
	return lines->fd < 0 ? -errno : 0;
}

/* Read more bytes, and append them to the unread bytes. Returns false if there are none. */
static bool fill(struct lines *lines)
{
	ssize_t n;

	memmove(lines->buffer, lines->buffer + lines->at, lines->end - lines->at);
	lines->end -= lines->at;
	lines->at = 0;
	if (lines->end == sizeof(lines->buffer))
		return false;
	n = read(lines->fd, lines->buffer + lines->end, sizeof(lines->buffer) - lines->end);
	if (n <= 0)
		return false;
	lines->end += (size_t)n;
	return true;
}

bool lines_next(struct lines *lines, struct cursor *ret)
{
	const char *start, *newline;

	do {
		start = lines->buffer + lines->at;
		newline = memchr(start, '\n', lines->end - lines->at);
	} while (!newline && fill(lines));
	if (!newline)
		return false;
	*ret = cursor_of_n(start, (size_t)(newline - start));
	lines->at += (size_t)(newline - start) + 1;
	return true;
}

void lines_close(struct lines *lines)
{
	lines->fd = fd_close(lines->fd);
}

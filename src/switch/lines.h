/* SPDX-License-Identifier: Apache-2.0 */
/* Read files of /proc line by line, without the heap. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "fauxroot/base/macro.h"
#include "fauxroot/base/parse.h"

struct lines {
	int fd;
	size_t at, end; /* the unread bytes of @buffer */
	char buffer[4096];
};

/* lines_open() - open /proc/@tid/@name, for example "fdinfo/3"; 0 or -errno */
int lines_open(struct lines *lines, pid_t tid, const char *name);

/* lines_next() - the next line without its newline, valid until the next call; false at the end of
 * the file, after an error, or if a line does not fit into the buffer */
bool lines_next(struct lines *lines, struct cursor *ret);

/* lines_close() - close the file */
void lines_close(struct lines *lines);

#define _cleanup_lines_ _cleanup_(lines_close)

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The child's progress, visible to the launcher: a page of shared memory.
 *
 * An access to a path can block forever if a file system does not answer (FUSE, or a network file
 * system without its server). A blocked child can send no message. So the child stores a
 * description of its next action in the page, without a system call. The launcher reads it after a
 * long wait.
 */
#pragma once

#include <stdatomic.h>

#include "fauxroot/base/macro.h"

#define PROGRESS_TEXT 512

struct progress {
	atomic_uint steps;	/* how many descriptions have been stored */
	char at[PROGRESS_TEXT]; /* the last description, NUL-terminated */
};

/* progress_new() - allocate a page that is shared with forks; NULL when out of memory.
 * progress_free() accepts NULL. */
struct progress *progress_new(void);
void progress_free(struct progress *progress);

/* progress_at() - store the child's next action, "copying up /etc/x"; does nothing if @progress is
 * NULL */
void progress_at(struct progress *progress, const char *fmt, ...) _printf_(2, 3);

/* progress_text() - copy the last description to @buf, in printable form; "" if there is none.
 * Returns @buf */
const char *progress_text(const struct progress *progress, char buf[static PROGRESS_TEXT]);

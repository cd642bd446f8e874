/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the child is at, for the launcher to see: a page of memory that both have.
 *
 * Looking at a path can take for ever where a file system does not answer (a network file system
 * whose server is gone, FUSE), and then the child can say nothing any more. So it writes down what
 * it is about to do, which costs no system call, and the launcher reads that when it has waited for
 * long.
 */
#pragma once

#include <stdatomic.h>

#include "fauxroot/base/macro.h"

#define PROGRESS_TEXT 512

struct progress {
	atomic_uint steps; /* how many times something has been written down */
	char at[PROGRESS_TEXT];
};

/* progress_new() - a page that forks share; NULL where memory is short. progress_free() accepts
 * NULL. */
struct progress *progress_new(void);
void progress_free(struct progress *progress);

/* progress_at() - the child is about to do this: "copying up /etc/x"; nothing where @progress is
 * NULL
 */
void progress_at(struct progress *progress, const char *fmt, ...) _printf_(2, 3);

/* progress_text() - what was written down last, printable, into @buf; "" for nothing. Returns @buf
 */
const char *progress_text(const struct progress *progress, char buf[static PROGRESS_TEXT]);

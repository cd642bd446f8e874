/* SPDX-License-Identifier: Apache-2.0 */
/* How a line of the log gets to stderr without ever holding us there. */
#pragma once

#include <stddef.h>

/*
 * logwrite_some() - write as much of @data to @fd as goes without waiting
 * @fd: stderr, whose open file description is not ours alone: its flags stay as they are
 * @size: at most PIPE_BUF
 *
 * A file or a device that is no terminal is written as write(2) does it: nobody can hold it up. To
 * a pipe all is written or nothing. Returns how many bytes were written, more than 0; -EAGAIN where
 * there is no room now, which poll(2) tells; or -errno.
 */
long logwrite_some(int fd, const char *data, size_t size);

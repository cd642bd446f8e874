/* SPDX-License-Identifier: Apache-2.0 */
/* Write log lines to stderr without ever blocking. */
#pragma once

#include <stddef.h>

/*
 * logwrite_some() - write as much of @data to @fd as possible without waiting
 * @fd: stderr; other processes share its open file description, so its flags stay unchanged
 * @size: at most PIPE_BUF
 *
 * A file, or a device other than a terminal, cannot block: it is written with plain write(2). To a
 * pipe, all or nothing is written. Returns the number of bytes written, more than 0; -EAGAIN if
 * there is no room now (poll(2) reports when there is); or -errno.
 */
long logwrite_some(int fd, const char *data, size_t size);

/* SPDX-License-Identifier: Apache-2.0 */
/* File descriptors: each has one owner, is close-on-exec from birth, and is closed once; close(2)
 * is never retried. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "fauxroot/base/macro.h"

struct deadline;

/* fd_close() - close @fd if it is >= 0; keeps errno; returns -1, for fd = fd_close(fd) */
int fd_close(int fd);

static inline void fd_cleanup(int *fd)
{
	fd_close(*fd);
}

#define _cleanup_close_ _cleanup_(fd_cleanup)

/* The value of @fd; @fd becomes -1. Ownership moves to the reader of the value. */
#define TAKE_FD(fd)                \
	({                         \
		int taken_ = (fd); \
		(fd) = -1;         \
		taken_;            \
	})

/* fd_set_cloexec() - set or clear FD_CLOEXEC; returns 0 or -errno */
int fd_set_cloexec(int fd, int on);

/*
 * fd_close_all_except() - close every descriptor from 3 up that is not in @keep
 * @keep: descriptor numbers in any order; negative numbers are ignored
 *
 * Uses close_range(2). If that is refused, closes the descriptors in /proc/self/fd, or else every
 * number below RLIMIT_NOFILE (at most 1048576). Returns 0 or -errno: E2BIG if @n_keep is more than
 * 64.
 */
int fd_close_all_except(const int *keep, size_t n_keep);

/*
 * fd_close_inherited() - close the descriptors that our own caller left open for other programs
 *
 * Closes every descriptor from 3 up that is not close-on-exec. Standard input and output become
 * /dev/null; standard error stays. Failures are ignored.
 */
void fd_close_inherited(void);

/*
 * fd_raise_limit() - allow this process as many descriptors as possible (man 2 getrlimit)
 *
 * Raises the soft limit to the hard limit. The low soft limit exists only for programs that use
 * select(2). Returns the new limit.
 */
rlim_t fd_raise_limit(void);

/* The most descriptors that fd_room() can check for. */
#define FD_ROOM_MAX 64

/*
 * fd_room() - can this process open @n more descriptors at the same time?
 *
 * Opens @n duplicates of one descriptor, and closes them. Returns 0 or -errno: EMFILE if the limit
 * of the process is reached (man 2 getrlimit, RLIMIT_NOFILE), E2BIG if @n is more than FD_ROOM_MAX.
 */
int fd_room(size_t n);

/* fd_write_all() - write(2) until all data is written; returns 0 or -errno */
int fd_write_all(int fd, const void *data, size_t size);

/*
 * fd_read_bounded() - read(2) to the end of file into a fresh, NUL-terminated buffer
 * @max: limit in bytes; more data is -EFBIG
 * @ret_size: may be NULL
 *
 * Returns 0 and @ret_data, to be freed; or -errno with the outputs untouched.
 */
int fd_read_bounded(int fd, size_t max, char **ret_data, size_t *ret_size);

/* file_read_bounded() - open @path relative to @dirfd, then fd_read_bounded(); 0 or -errno */
int file_read_bounded(int dirfd, const char *path, size_t max, char **ret_data, size_t *ret_size);

/*
 * file_read_lines() - as file_read_bounded(), but reads only the lines that fit if the file has
 * more than @max bytes
 *
 * Returns 0 with the whole file, 1 if lines are left out, or -errno with the outputs untouched.
 */
int file_read_lines(int dirfd, const char *path, size_t max, char **ret_data, size_t *ret_size);

/* fd_memory() - a file in memory (man 2 memfd_create) that cannot be executed, close-on-exec; the
 * descriptor or -errno. @name: only for /proc */
int fd_memory(const char *name);

/*
 * fd_wait() - wait until poll(2) reports one of @events, an error or a hang-up on @fd
 * @deadline: NULL for none
 * @cancel_fd: -1, or a descriptor that ends the wait when it becomes readable: a signalfd of
 * terminating signals. It is polled and never read here, so the signal stays pending
 *
 * Returns 0 when @fd is ready, -ETIMEDOUT, -ECANCELED, or -errno of poll(2).
 */
int fd_wait(int fd, short events, const struct deadline *deadline, int cancel_fd);

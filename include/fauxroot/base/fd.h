/* SPDX-License-Identifier: Apache-2.0 */
/* File descriptors: owned, close-on-exec from birth, closed once and never retried. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "fauxroot/base/macro.h"

struct deadline;

/* fd_close() - close @fd if it is one (>= 0); keeps errno; returns -1, for fd = fd_close(fd) */
int fd_close(int fd);

static inline void fd_cleanup(int *fd)
{
	fd_close(*fd);
}

#define _cleanup_close_ _cleanup_(fd_cleanup)

/* The value of @fd, which is -1 from now on: ownership goes to the reader. */
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
 * @keep: descriptor numbers, ascending or not; negative ones are passed over
 *
 * close_range(2), or /proc/self/fd where that is refused, or the whole table of RLIMIT_NOFILE.
 * Returns 0 or -errno.
 */
int fd_close_all_except(const int *keep, size_t n_keep);

/*
 * fd_let_go_of_inherited() - close what our own caller has left open for somebody else
 *
 * That is every descriptor from 3 up that is not close-on-exec. Standard input and output become
 * /dev/null; standard error stays. What cannot be closed stays as well.
 */
void fd_let_go_of_inherited(void);

/*
 * fd_raise_limit() - let this process have as many descriptors as it may (man 2 getrlimit)
 *
 * Raises the soft limit, which is for the sake of programs that use select(2), to the hard one.
 * Returns it.
 */
rlim_t fd_raise_limit(void);

/* How many fd_room() looks for at most. */
#define FD_ROOM_MAX 64

/*
 * fd_room() - can this process open @n more descriptors, all at once?
 *
 * They are opened, as duplicates of one, and closed again. Returns 0 or -errno: EMFILE for the
 * limit of the process (man 2 getrlimit, RLIMIT_NOFILE), E2BIG for more than FD_ROOM_MAX.
 */
int fd_room(size_t n);

/* fd_write_all() - write(2) until all is written; returns 0 or -errno */
int fd_write_all(int fd, const void *data, size_t size);

/*
 * fd_read_bounded() - read(2) to the end of file into a fresh, NUL-terminated buffer
 * @max: bytes; more than that is -EFBIG
 * @ret_size: may be NULL
 *
 * Returns 0 and @ret_data, to be freed; or -errno with the outputs untouched.
 */
int fd_read_bounded(int fd, size_t max, char **ret_data, size_t *ret_size);

/* file_read_bounded() - open @path relative to @dirfd, then fd_read_bounded(); 0 or -errno */
int file_read_bounded(int dirfd, const char *path, size_t max, char **ret_data, size_t *ret_size);

/*
 * file_read_lines() - the same, but of a file that has more than @max bytes the lines that fit
 *
 * Returns 0 with the whole file, 1 where some lines are left out, or -errno with the outputs
 * untouched.
 */
int file_read_lines(int dirfd, const char *path, size_t max, char **ret_data, size_t *ret_size);

/*
 * fd_wait() - wait until poll(2) reports one of @events, an error or a hang-up on @fd
 * @deadline: NULL for none
 * @cancel_fd: -1, or a descriptor whose readability ends the wait (a signalfd of terminating
 *	signals, which is polled and never read here, so the signal stays pending)
 *
 * Returns 0 when @fd is ready, -ETIMEDOUT, -ECANCELED, or -errno of poll(2).
 */
int fd_wait(int fd, short events, const struct deadline *deadline, int cancel_fd);

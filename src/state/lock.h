/* SPDX-License-Identifier: Apache-2.0 */
/* Private to state/: flock(2) with a deadline, and the process that holds a lock. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "fauxroot/base/clock.h"

struct error;

/* How long to wait for a lock; cancel_fd as for fd_wait(). */
struct lock_patience {
	struct deadline deadline;
	int cancel_fd;
};

/*
 * lock_take() - take an exclusive flock(2) on @fd; wait for it as long as @patience allows
 *
 * Returns 0, -EBUSY if another process still holds it, -ECANCELED, or -errno.
 */
int lock_take(int fd, const struct lock_patience *patience, struct error *err);

/*
 * lock_holder_in() - find the holder of a flock on an inode in a text in the form of /proc/locks
 * @dev: the device; 0: any, because on btrfs stat(2) and /proc/locks show different devices
 *
 * Returns the PID, or 0.
 */
pid_t lock_holder_in(const char *text, size_t size, dev_t dev, ino_t ino);

/*
 * lock_holder() - the process that took the flock on @fd's file, by /proc/locks (man 5 proc)
 *
 * Returns its PID; 0 if there is none, or if our /proc does not show it.
 */
pid_t lock_holder(int fd);

/*
 * lock_is_taken() - set the error for a lock on @fd's file that another process holds
 * @path: the state directory that the lock protects
 *
 * Returns -EBUSY with REASON_IN_USE. The message names the process that holds the lock, and its
 * command line. The error is about its PID, if /proc/locks shows it and the process still runs:
 * processes that inherited the descriptor keep the lock after the process that took it.
 */
int lock_is_taken(int fd, const char *path, struct error *err);

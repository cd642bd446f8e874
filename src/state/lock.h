/* SPDX-License-Identifier: Apache-2.0 */
/* Private to state/: flock(2) with a deadline, and who holds one. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "fauxroot/base/clock.h"

struct error;

/* How long a lock is waited for; @cancel_fd as fd_wait(). */
struct lock_patience {
	struct deadline deadline;
	int cancel_fd;
};

/*
 * lock_take() - an exclusive flock(2) on @fd, waited for with @patience
 *
 * Returns 0, -EBUSY when it is still held by another, -ECANCELED, or -errno.
 */
int lock_take(int fd, const struct lock_patience *patience, struct error *err);

/*
 * lock_holder_in() - who holds a flock on an inode, out of a text in the form of /proc/locks
 * @dev: the device; 0: any, because what stat(2) says is not what /proc/locks shows on btrfs
 *
 * Returns the PID, or 0.
 */
pid_t lock_holder_in(const char *text, size_t size, dev_t dev, ino_t ino);

/*
 * lock_is_taken() - fail, since somebody else holds the lock on @fd's file
 * @path: of the state directory that it locks
 *
 * Returns -EBUSY with REASON_IN_USE. The sentence names the process that holds the lock and its
 * command line; the error is about its PID, where it still runs (a lock outlives the process that
 * took it in those that inherited it) and /proc/locks shows it.
 */
int lock_is_taken(int fd, const char *path, struct error *err);

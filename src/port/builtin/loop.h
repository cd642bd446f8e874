/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread's event loop, which knows nobody: a watch is a descriptor and a function.
 *
 * An object with a watch in it must not be freed before loop_turn() has returned, because a later
 * event of the same batch may belong to it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct error;

struct loop {
	int epoll;
	int64_t now_ms; /* when the last events came; of the monotonic clock */

	/* What one part of the thread reports and others act upon after the batch of events: */
	bool room_made; /* descriptors, or places for connections, are free: try again to accept */
	bool fds_short; /* a descriptor could not be had: close those that are kept for later */
};

struct watch {
	void (*ready)(struct watch *watch, uint32_t events); /* man 2 epoll_ctl: EPOLLIN etc. */
	int fd;
};

/* loop_init() - an epoll set without watches; 0 or -errno (man 2 epoll_create1) */
int loop_init(struct loop *loop);

/*
 * loop_turn() - wait for events, at most @timeout_ms (-1: for ever), and call the watches'
 * functions
 *
 * Returns how many events came. The process is aborted where the kernel refuses to wait.
 */
unsigned loop_turn(struct loop *loop, int timeout_ms);

/*
 * watch_add(), watch_change() - have @watch's function called upon @events
 * @events: man 2 epoll_ctl; watch_change() replaces them, and reports at once what is true already
 *
 * Both may be called from any thread. Return 0 or -errno; -ENOSPC: the user watches too many
 * descriptors (fs.epoll.max_user_watches).
 */
int watch_add(struct loop *loop, struct watch *watch, uint32_t events);
int watch_change(struct loop *loop, struct watch *watch, uint32_t events);

/*
 * watch_remove() - before the descriptor is closed
 *
 * A descriptor whose file another process also holds would stay in the epoll set (man 7 epoll).
 */
void watch_remove(struct loop *loop, struct watch *watch);

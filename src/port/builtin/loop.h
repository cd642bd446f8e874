/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread's event loop. It depends on no other part: a watch is a descriptor and a function.
 *
 * Do not free an object that contains a watch before loop_turn() has returned: a later event of the
 * same batch may belong to it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct error;

struct loop {
	int epoll;
	bool yields;	/* let other threads run before events are handled: see policy.c */
	int64_t now_ms; /* when the last events arrived, on the monotonic clock */

	/* One part of the thread sets these; other parts act on them after the batch of events. */
	bool room_made; /* descriptors or connections became free: try to accept again */
	bool fds_short; /* no descriptor was left: close the descriptors kept in reserve */
};

struct watch {
	void (*ready)(struct watch *watch, uint32_t events); /* man 2 epoll_ctl: EPOLLIN etc. */
	int fd;
};

/* loop_init() - create an epoll set without watches; 0 or -errno (man 2 epoll_create1) */
int loop_init(struct loop *loop);

/*
 * loop_turn() - wait for events once, and call the functions of their watches
 * @timeout_ms: the longest wait; -1: without limit
 *
 * Returns the number of events. Aborts the process if epoll_wait(2) fails.
 */
unsigned loop_turn(struct loop *loop, int timeout_ms);

/*
 * watch_add() - call the function of @watch on @events
 * watch_change() - replace the events; an event that is already pending is reported at once
 * @events: man 2 epoll_ctl
 *
 * Both may be called from any thread. Return 0 or -errno; -ENOSPC: the user watches too many
 * descriptors (fs.epoll.max_user_watches).
 */
int watch_add(struct loop *loop, struct watch *watch, uint32_t events);
int watch_change(struct loop *loop, struct watch *watch, uint32_t events);

/*
 * watch_remove() - remove @watch from the epoll set; call it before the descriptor is closed
 *
 * close(2) alone is not enough: if another process has the same file open, it stays in the epoll
 * set (man 7 epoll).
 */
void watch_remove(struct loop *loop, struct watch *watch);

/* SPDX-License-Identifier: Apache-2.0 */
/* The event loop of the name service: a watch is a descriptor and a function. */
#pragma once

#include <stdint.h>

#include "fauxroot/base/list.h"

struct watch {
	int fd;						     /* -1: not watched */
	void (*ready)(struct watch *watch, uint32_t events); /* EPOLLIN, … */
};

/* An object with a watch can be freed while an event for it waits in the same turn. So it is put
 * on this list, and freed at the end of the turn. */
struct grave {
	struct list link;
	void *object; /* for free(3) */
};

struct loop {
	int epoll;
	int64_t now_ms; /* the time of this turn */
	struct list graves;
};

/* names_loop_init() - 0 or -errno of epoll_create1(2) */
int names_loop_init(struct loop *loop);

/* names_loop_turn() - wait up to @timeout_ms (-1: forever), and call the functions of ready
 * watches */
void names_loop_turn(struct loop *loop, int timeout_ms);

/* names_loop_bury() - free @object at the end of the turn; @grave is part of it */
void names_loop_bury(struct loop *loop, struct grave *grave, void *object);

/* names_watch_add(), names_watch_change() - watch for @events; 0 or -errno */
int names_watch_add(struct loop *loop, struct watch *watch, uint32_t events);
int names_watch_change(struct loop *loop, struct watch *watch, uint32_t events);

/* names_watch_close() - stop watching, and close the descriptor; accepts fd -1 */
void names_watch_close(struct loop *loop, struct watch *watch);

/* SPDX-License-Identifier: Apache-2.0 */
/* The event loop of the name service: a watch is a descriptor and a function. */
#pragma once

#include <stdint.h>

#include "fauxroot/base/list.h"

struct watch {
	int fd;						     /* -1: not watched */
	void (*ready)(struct watch *watch, uint32_t events); /* EPOLLIN, … */
};

/* An object with a watch may have to be freed while an event for it waits in the same turn. So it
 * is put on a list, and freed at the end of the turn. */
struct garbage {
	struct list link;
	void *object; /* for free(3) */
};

struct loop {
	int epoll;
	int64_t now_ms;	     /* the time of this turn */
	struct list garbage; /* struct garbage */
};

/* names_loop_init() - initialize a loop without watches; 0 or -errno of epoll_create1(2) */
int names_loop_init(struct loop *loop);

/* names_loop_turn() - wait up to @timeout_ms (-1: forever), and call the functions of ready
 * watches */
void names_loop_turn(struct loop *loop, int timeout_ms);

/* names_loop_discard() - free @object at the end of the turn; @garbage is part of it */
void names_loop_discard(struct loop *loop, struct garbage *garbage, void *object);

/* names_watch_add(), names_watch_change() - watch for @events; 0 or -errno */
int names_watch_add(struct loop *loop, struct watch *watch, uint32_t events);
int names_watch_change(struct loop *loop, struct watch *watch, uint32_t events);

/* names_watch_close() - stop watching, close the descriptor, and set it to -1; accepts -1 */
void names_watch_close(struct loop *loop, struct watch *watch);

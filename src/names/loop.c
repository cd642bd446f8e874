/* SPDX-License-Identifier: Apache-2.0 */
#include "loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/macro.h"

#define EVENTS_A_TURN 64

int names_loop_init(struct loop *loop)
{
	list_init(&loop->garbage);
	loop->now_ms = clock_ms();
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	return loop->epoll < 0 ? -errno : 0;
}

static void free_garbage(struct loop *loop)
{
	struct garbage *garbage, *following;

	LIST_EACH_SAFE (garbage, following, &loop->garbage, link) {
		list_remove(&garbage->link);
		free(garbage->object);
	}
}

void names_loop_turn(struct loop *loop, int timeout_ms)
{
	struct epoll_event events[EVENTS_A_TURN];
	int n = epoll_wait(loop->epoll, events, EVENTS_A_TURN, timeout_ms);

	loop->now_ms = clock_ms();
	for (int i = 0; i < n; i++) {
		struct watch *watch = events[i].data.ptr;

		if (watch->fd >= 0)
			watch->ready(watch, events[i].events);
	}
	free_garbage(loop);
}

void names_loop_discard(struct loop *loop, struct garbage *garbage, void *object)
{
	garbage->object = object;
	list_append(&loop->garbage, &garbage->link);
}

static int control(const struct loop *loop, int op, struct watch *watch, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = watch};

	return epoll_ctl(loop->epoll, op, watch->fd, &event) < 0 ? -errno : 0;
}

int names_watch_add(struct loop *loop, struct watch *watch, uint32_t events)
{
	return control(loop, EPOLL_CTL_ADD, watch, events);
}

int names_watch_change(struct loop *loop, struct watch *watch, uint32_t events)
{
	return control(loop, EPOLL_CTL_MOD, watch, events);
}

void names_watch_close(struct loop *loop, struct watch *watch)
{
	if (watch->fd < 0)
		return;
	(void)epoll_ctl(loop->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
	watch->fd = fd_close(watch->fd);
}

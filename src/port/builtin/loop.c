/* SPDX-License-Identifier: Apache-2.0 */
#include "loop.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/macro.h"

#define BATCH 128

int loop_init(struct loop *loop)
{
	memset(loop, 0, sizeof(*loop));
	loop->now_ms = clock_ms();
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	return loop->epoll < 0 ? -errno : 0;
}

unsigned loop_turn(struct loop *loop, int timeout_ms)
{
	struct epoll_event events[BATCH];
	int n = epoll_wait(loop->epoll, events, BATCH, timeout_ms);

	if (n < 0 && errno != EINTR)
		abort();
	if (loop->yields && n > 0)
		(void)sched_yield();
	loop->now_ms = clock_ms();
	for (int i = 0; i < n; i++) {
		struct watch *watch = events[i].data.ptr;

		watch->ready(watch, events[i].events);
	}
	return (unsigned)MAX(n, 0);
}

static int control(const struct loop *loop, int op, struct watch *watch, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = watch};

	return epoll_ctl(loop->epoll, op, watch->fd, &event) < 0 ? -errno : 0;
}

int watch_add(struct loop *loop, struct watch *watch, uint32_t events)
{
	return control(loop, EPOLL_CTL_ADD, watch, events);
}

int watch_change(struct loop *loop, struct watch *watch, uint32_t events)
{
	return control(loop, EPOLL_CTL_MOD, watch, events);
}

void watch_remove(struct loop *loop, struct watch *watch)
{
	(void)epoll_ctl(loop->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
}

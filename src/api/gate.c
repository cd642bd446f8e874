/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * evhttp accepts whatever comes. So its listener is kept disabled, and an event of ours on the same
 * descriptor, "knock", says that somebody waits in the queue. With room for one more it enables the
 * listener; gate_accepted(), called for each connection, disables it again. So there is a decision
 * before every accept(2).
 *
 * Without room the longest idle connection is cut, and the queue waits until it has gone. One that
 * has been answered is idle between its requests. One that has said nothing yet is fresh, and has
 * some time for its first byte: with slow clients in all other places it would be the only one to
 * make room, as soon as it is in. Bytes that have come and are not read yet count. Where all are
 * busy or fresh the queue waits for the first that ends, becomes idle, or stays fresh for too long.
 * Out of descriptors it waits for a second at most, since those that were in the way need not be
 * ours.
 */
#include "gate.h"

#include <errno.h>
#include <sys/eventfd.h>

#include <event2/event.h>
#include <event2/listener.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"

/* Is there a descriptor, and room in the system's file table (ENFILE), for accept(2)? */
static bool can_open(void)
{
	int fd = eventfd(0, EFD_CLOEXEC);

	fd_close(fd);
	return fd >= 0;
}

static struct gate_member *first_silent(const struct gate *gate, enum gate_place place)
{
	struct gate_member *member;

	LIST_EACH (member, &gate->members[place], link)
		if (!gate->ops->has_input(member))
			return member;
	return NULL;
}

static void make_room(struct gate *gate)
{
	struct gate_member *member = first_silent(gate, GATE_IDLE);
	int64_t left_ms = 0;

	event_del(gate->knock);
	if (!member) {
		member = first_silent(gate, GATE_FRESH);
		left_ms = member ? member->since_ms + gate->limits.fresh_ms - clock_ms() : 0;
	}
	if (member && left_ms <= 0) {
		gate->ops->cut(member);
	} else if (member) {
		struct timeval left = {.tv_sec = left_ms / 1000,
				       .tv_usec = (suseconds_t)(left_ms % 1000) * 1000};

		evtimer_add(gate->ripe, &left);
	}
}

static void wait_for_descriptors(struct gate *gate)
{
	static const struct timeval second = {.tv_sec = 1};

	if (!gate->warned)
		log_warning("api.sock: out of file descriptors; clients have to wait");
	gate->warned = true;
	evconnlistener_disable(gate->listener);
	evtimer_add(gate->pause, &second);
	make_room(gate);
}

static void on_knock(evutil_socket_t fd, short what, void *arg)
{
	struct gate *gate = arg;

	(void)fd;
	(void)what;
	if (gate->n >= gate->limits.connections)
		make_room(gate);
	else if (!can_open())
		wait_for_descriptors(gate);
	else
		evconnlistener_enable(gate->listener);
}

static void on_ripe(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	gate_review(arg);
}

static void on_pause_end(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	gate_review(arg);
}

/* Without this callback libevent would write to stderr. on_knock() sees the queue again. */
static void on_accept_error(struct evconnlistener *listener, void *arg)
{
	(void)arg; /* evhttp's */
	evconnlistener_disable(listener);
}

int gate_init(struct gate *gate, struct event_base *base, struct evconnlistener *listener,
	      const struct api_limits *limits, const struct gate_ops *ops)
{
	*gate = (struct gate){.limits = *limits, .ops = ops, .listener = listener};
	for (int place = 0; place < GATE_PLACES; place++)
		list_init(&gate->members[place]);
	gate->pause = evtimer_new(base, on_pause_end, gate);
	gate->ripe = evtimer_new(base, on_ripe, gate);
	gate->knock = event_new(base, evconnlistener_get_fd(listener), EV_READ | EV_PERSIST,
				on_knock, gate);
	if (!gate->pause || !gate->ripe || !gate->knock || event_add(gate->knock, NULL) < 0) {
		gate_clear(gate);
		return -ENOMEM;
	}
	evconnlistener_set_error_cb(listener, on_accept_error);
	return 0;
}

static void orphan_all(struct gate *gate, enum gate_place place)
{
	struct gate_member *member;

	while ((member = LIST_FIRST(&gate->members[place], struct gate_member, link))) {
		list_remove(&member->link);
		member->gate = NULL;
		gate->ops->orphan(member);
	}
}

void gate_clear(struct gate *gate)
{
	if (!gate->listener)
		return;
	for (int place = 0; place < GATE_PLACES; place++)
		orphan_all(gate, (enum gate_place)place);
	if (gate->knock)
		event_free(gate->knock);
	if (gate->pause)
		event_free(gate->pause);
	if (gate->ripe)
		event_free(gate->ripe);
	*gate = (struct gate){.n = 0};
}

void gate_accepted(struct gate *gate)
{
	evconnlistener_disable(gate->listener);
	/* A knock of this turn of the loop may have been for the one that is in by now. */
	event_del(gate->knock);
	event_add(gate->knock, NULL);
}

void gate_enter(struct gate *gate, struct gate_member *member)
{
	member->gate = gate;
	member->place = GATE_FRESH;
	member->since_ms = clock_ms();
	list_append(&gate->members[GATE_FRESH], &member->link);
	gate->n++;
}

void gate_move(struct gate_member *member, enum gate_place place)
{
	if (!member->gate || member->place == place)
		return;
	list_remove(&member->link);
	list_append(&member->gate->members[place], &member->link);
	member->place = place;
}

void gate_review(struct gate *gate)
{
	if (!evtimer_pending(gate->pause, NULL))
		event_add(gate->knock, NULL);
}

void gate_leave(struct gate_member *member)
{
	struct gate *gate = member->gate;

	if (!gate)
		return;
	list_remove(&member->link);
	member->gate = NULL;
	gate->n--;
	evtimer_del(gate->pause);
	gate_review(gate);
}

struct gate_member *gate_find(struct gate *gate,
			      bool (*is)(const struct gate_member *member, const void *arg),
			      const void *arg)
{
	struct gate_member *member;

	for (int place = 0; place < GATE_PLACES; place++)
		LIST_EACH (member, &gate->members[place], link)
			if (is(member, arg))
				return member;
	return NULL;
}

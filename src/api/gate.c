/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * evhttp accepts all connections. To decide before every accept(2), the gate keeps evhttp's
 * listener disabled. Its own event on the same descriptor, "pending", reports that a client waits
 * in the listen queue. If there is room for one more connection, the gate enables the listener;
 * gate_accepted(), called for each connection, disables it again.
 *
 * Without room, the gate closes the connection that has been idle for longest, and the queue waits
 * until that connection is gone. After an answer a connection is idle until the next request. A
 * connection that has sent nothing yet is fresh, and it has some time for its first byte. Without
 * that time, when slow clients have all other connections, each new connection would be closed for
 * the next one. Received bytes that are not read yet count as sent. If all connections are busy or
 * fresh, the queue waits until one is closed, becomes idle, or stays fresh for too long. Without
 * free descriptors, the queue waits for one second at most, because other code may have used them
 * and freed them.
 *
 * Before Linux 6.16 a client can send descriptors. We do not receive them, but the kernel closes
 * them when the bytes are read, or the connection is closed, and this may wait for as long as the
 * client wants (sys/nudge.h). libevent reads and closes. So while there are connections, a signal
 * interrupts whatever keeps the event loop from its next beat.
 */
#include "gate.h"

#include <errno.h>
#include <sys/eventfd.h>

#include <event2/event.h>
#include <event2/listener.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"
#include "fauxroot/sys/unix.h"

#define BEAT_MS	 250
#define STUCK_MS 500

/* Is there a descriptor, and room in the system's file table (ENFILE), for accept(2)? */
static bool can_open(void)
{
	int fd = eventfd(0, EFD_CLOEXEC);

	fd_close(fd);
	return fd >= 0;
}

static struct gate_member *first_silent(const struct gate *gate, enum gate_state state)
{
	struct gate_member *member;

	LIST_EACH (member, &gate->members[state], link)
		if (!gate->ops->has_input(member))
			return member;
	return NULL;
}

static void make_room(struct gate *gate)
{
	struct gate_member *member = first_silent(gate, GATE_IDLE);
	int64_t left_ms = 0;

	event_del(gate->pending);
	if (!member) {
		member = first_silent(gate, GATE_FRESH);
		left_ms = member ? member->since_ms + gate->limits.fresh_ms - clock_ms() : 0;
	}
	if (member && left_ms <= 0) {
		gate->ops->shut_down(member);
	} else if (member) {
		struct timeval left = timeval_ms(left_ms);

		evtimer_add(gate->overdue, &left);
	}
}

static void wait_for_descriptors(struct gate *gate)
{
	static const struct timeval second = {.tv_sec = 1};

	if (!gate->warned)
		log_warning("api.sock: out of file descriptors; clients must wait");
	gate->warned = true;
	evconnlistener_disable(gate->listener);
	evtimer_add(gate->retry, &second);
	make_room(gate);
}

static void on_pending(evutil_socket_t fd, short what, void *arg)
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

static void on_overdue(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	gate_review(arg);
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	gate_review(arg);
}

static void on_beat(evutil_socket_t fd, short what, void *arg)
{
	struct gate *gate = arg;

	(void)fd;
	(void)what;
	if (gate->n > 0) {
		nudge_again(&gate->nudge, STUCK_MS);
		return;
	}
	/* The last connection is closed by now. */
	event_del(gate->beat);
	nudge_end(&gate->nudge);
}

static void start_beat(struct gate *gate)
{
	static const struct timeval often = {.tv_usec = BEAT_MS * 1000L};

	if (!evtimer_pending(gate->beat, NULL) &&
	    unix_takes_fds(evconnlistener_get_fd(gate->listener)) &&
	    event_add(gate->beat, &often) == 0)
		nudge_begin(&gate->nudge, STUCK_MS);
}

/* Without this callback libevent would write to stderr. on_pending() sees the queue again. */
static void on_accept_error(struct evconnlistener *listener, void *arg)
{
	(void)arg; /* evhttp's */
	evconnlistener_disable(listener);
}

int gate_init(struct gate *gate, struct event_base *base, struct evconnlistener *listener,
	      const struct api_limits *limits, const struct gate_ops *ops)
{
	*gate = (struct gate){.limits = *limits, .ops = ops, .listener = listener};
	for (int state = 0; state < GATE_STATES; state++)
		list_init(&gate->members[state]);
	gate->retry = evtimer_new(base, on_retry, gate);
	gate->overdue = evtimer_new(base, on_overdue, gate);
	gate->beat = event_new(base, -1, EV_PERSIST, on_beat, gate);
	gate->pending = event_new(base, evconnlistener_get_fd(listener), EV_READ | EV_PERSIST,
				  on_pending, gate);
	if (!gate->retry || !gate->overdue || !gate->beat || !gate->pending ||
	    event_add(gate->pending, NULL) < 0) {
		gate_clear(gate);
		return -ENOMEM;
	}
	evconnlistener_set_error_cb(listener, on_accept_error);
	return 0;
}

static void orphan_all(struct gate *gate, enum gate_state state)
{
	struct gate_member *member;

	while ((member = LIST_FIRST(&gate->members[state], struct gate_member, link))) {
		list_remove(&member->link);
		member->gate = NULL;
		gate->ops->orphan(member);
	}
}

void gate_clear(struct gate *gate)
{
	if (!gate->listener)
		return;
	for (int state = 0; state < GATE_STATES; state++)
		orphan_all(gate, (enum gate_state)state);
	if (gate->pending)
		event_free(gate->pending);
	if (gate->retry)
		event_free(gate->retry);
	if (gate->overdue)
		event_free(gate->overdue);
	if (gate->beat)
		event_free(gate->beat);
	nudge_end(&gate->nudge);
	*gate = (struct gate){.n = 0};
}

void gate_accepted(struct gate *gate)
{
	evconnlistener_disable(gate->listener);
	/* The event may be active already for the connection that was just accepted. */
	event_del(gate->pending);
	event_add(gate->pending, NULL);
}

void gate_enter(struct gate *gate, struct gate_member *member)
{
	member->gate = gate;
	member->state = GATE_FRESH;
	member->since_ms = clock_ms();
	list_append(&gate->members[GATE_FRESH], &member->link);
	gate->n++;
	start_beat(gate);
}

void gate_move(struct gate_member *member, enum gate_state state)
{
	if (!member->gate || member->state == state)
		return;
	list_remove(&member->link);
	list_append(&member->gate->members[state], &member->link);
	member->state = state;
}

void gate_review(struct gate *gate)
{
	if (!evtimer_pending(gate->retry, NULL))
		event_add(gate->pending, NULL);
}

void gate_leave(struct gate_member *member)
{
	struct gate *gate = member->gate;

	if (!gate)
		return;
	list_remove(&member->link);
	member->gate = NULL;
	gate->n--;
	evtimer_del(gate->retry);
	gate_review(gate);
}

struct gate_member *gate_find(struct gate *gate,
			      bool (*is)(const struct gate_member *member, const void *arg),
			      const void *arg)
{
	struct gate_member *member;

	for (int state = 0; state < GATE_STATES; state++)
		LIST_EACH (member, &gate->members[state], link)
			if (is(member, arg))
				return member;
	return NULL;
}

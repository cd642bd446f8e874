/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * evhttp accepts whatever comes. So its listener is kept disabled, and an event of ours on the same
 * descriptor, "knock", says that somebody waits in the queue. With room for one more it enables the
 * listener; gate_entered(), called for each connection, disables it again. So there is a decision
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

#include "connection.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"

/* Is there a descriptor, and room in the system's file table (ENFILE), for accept(2)? */
static bool can_open(void)
{
	int fd = eventfd(0, EFD_CLOEXEC);

	fd_close(fd);
	return fd >= 0;
}

static struct connection *first_silent(const struct connection_list *list)
{
	struct connection *conn = TAILQ_FIRST(list);

	while (conn && connection_has_input(conn))
		conn = connection_next(conn);
	return conn;
}

static void make_room(struct gate *gate)
{
	struct connection *conn = first_silent(&gate->idle);
	int64_t left_ms = 0;

	event_del(gate->knock);
	if (!conn) {
		conn = first_silent(&gate->fresh);
		left_ms = conn ? gate->limits.fresh_ms - connection_age_ms(conn) : 0;
	}
	if (conn && left_ms <= 0) {
		connection_cut(conn);
	} else if (conn) {
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
	      const struct api_limits *limits)
{
	*gate = (struct gate){.limits = *limits, .listener = listener};
	TAILQ_INIT(&gate->fresh);
	TAILQ_INIT(&gate->idle);
	TAILQ_INIT(&gate->busy);
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

static void orphan_all(struct connection_list *list)
{
	struct connection *conn;

	while ((conn = TAILQ_FIRST(list)))
		connection_orphan(conn);
}

void gate_clear(struct gate *gate)
{
	if (!gate->listener)
		return;
	orphan_all(&gate->fresh);
	orphan_all(&gate->idle);
	orphan_all(&gate->busy);
	if (gate->knock)
		event_free(gate->knock);
	if (gate->pause)
		event_free(gate->pause);
	if (gate->ripe)
		event_free(gate->ripe);
	*gate = (struct gate){.n = 0};
}

void gate_entered(struct gate *gate)
{
	evconnlistener_disable(gate->listener);
	/* A knock of this turn of the loop may have been for the one that is in by now. */
	event_del(gate->knock);
	event_add(gate->knock, NULL);
}

void gate_review(struct gate *gate)
{
	if (!evtimer_pending(gate->pause, NULL))
		event_add(gate->knock, NULL);
}

void gate_left(struct gate *gate)
{
	evtimer_del(gate->pause);
	gate_review(gate);
}

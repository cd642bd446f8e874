/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A client of GET /v1/events gets a line of JSON for each event, until it closes its connection or
 * the instance ends. evhttp cannot send a part of an answer with our limits. So for evhttp the
 * request stays unanswered, like a parked one, and this file writes to the socket: the head of the
 * answer, a snapshot, and the lines. The end of the connection ends the answer (RFC 9112, section
 * 6.3).
 *
 * Lines that the socket does not take wait in a queue. When a client is late by more than the
 * backlog, the waiting lines are replaced by one event, "dropped". The connection is closed when
 * the client has taken that line, or after some time. So a client that does not read costs a
 * limited amount of memory, and delays nothing.
 *
 * The client may close its own side of the connection and still read.
 */
#include "events.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>

#include "connection.h"
#include "fauxroot/base/clock.h"
#include "fauxroot/base/log.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/sys/peer.h"
#include "snapshot.h"

/* Bytes to discard at once from a client that sends something. */
#define DISCARD_BYTES 4096

struct subscriber {
	struct list link;
	struct events *events;
	struct evhttp_request *http;
	struct connection *conn; /* NULL: it is being closed */
	int fd;
	struct event *readable, *writable, *deadline;
	struct evbuffer *queue;
	bool within_line; /* the last byte that was sent is not the end of a line */
	bool dropped;	  /* only its last line is left to send */
};

void events_init(struct events *events, struct event_base *base, unsigned last_line_ms)
{
	*events = (struct events){.base = base, .last_line_ms = last_line_ms};
	list_init(&events->clients);
}

static void subscriber_free(struct subscriber *s)
{
	if (s->readable)
		event_free(s->readable);
	if (s->writable)
		event_free(s->writable);
	if (s->deadline)
		event_free(s->deadline);
	if (s->queue)
		evbuffer_free(s->queue);
	free(s);
}

static void subscriber_drop(struct subscriber *s)
{
	list_remove(&s->link);
	s->events->n--;
	subscriber_free(s);
}

/* evhttp_connection_set_closecb() */
static void on_close(struct evhttp_connection *peer, void *arg)
{
	struct subscriber *s = arg;
	struct evhttp_request *http = s->http;

	(void)peer;
	subscriber_drop(s);
	if (!evhttp_request_get_connection(http))
		evhttp_request_free(http);
}

/* on_close() follows, unless evhttp closes the connection for another reason first. */
static void shut_down(struct subscriber *s)
{
	if (!s->conn)
		return;
	event_del(s->readable);
	event_del(s->writable);
	connection_close(s->conn);
	s->conn = NULL;
}

/* Send what the socket takes. */
static void flush(struct subscriber *s)
{
	size_t n;

	while (s->conn && (n = evbuffer_get_contiguous_space(s->queue)) > 0) {
		const unsigned char *data = evbuffer_pullup(s->queue, (ev_ssize_t)n);
		ssize_t sent = send(s->fd, data, n, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno == EAGAIN) {
			if (event_add(s->writable, NULL) < 0)
				shut_down(s);
			return;
		}
		if (sent < 0) {
			shut_down(s);
			return;
		}
		s->within_line = data[sent - 1] != '\n';
		evbuffer_drain(s->queue, (size_t)sent);
	}
	if (s->dropped)
		shut_down(s);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	flush(arg);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	shut_down(arg);
}

static bool has_gone(const struct subscriber *s)
{
	struct pollfd poll_fd = {.fd = s->fd};

	return poll(&poll_fd, 1, 0) > 0 && (poll_fd.revents & (POLLHUP | POLLERR));
}

/* The client sends no further request: discard its bytes, and detect the end of the connection. */
static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct subscriber *s = arg;
	char discarded[DISCARD_BYTES];
	ssize_t n = recv(fd, discarded, sizeof(discarded), MSG_DONTWAIT);

	(void)what;
	if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
		return;
	if (n < 0 || has_gone(s))
		shut_down(s);
	else
		event_del(s->readable);
}

/* Replace the waiting lines by the event "dropped". */
static void drop_slow(struct subscriber *s)
{
	const struct timeval limit = timeval_ms(s->events->last_line_ms);
	_cleanup_free_ char *line = snapshot_dropped();
	struct evbuffer_ptr end = evbuffer_search(s->queue, "\n", 1, NULL);
	struct evbuffer *kept = evbuffer_new();
	struct ucred peer = {.pid = 0};

	(void)peer_credentials(s->fd, &peer);
	log_warning("api.sock: dropping a client of /v1/events that reads too slowly (PID %d)",
		    peer.pid);
	s->dropped = true;
	if (!line || !kept || event_add(s->deadline, &limit) < 0) {
		if (kept)
			evbuffer_free(kept);
		shut_down(s);
		return;
	}
	if (s->within_line && end.pos >= 0)
		(void)evbuffer_remove_buffer(s->queue, kept, (size_t)end.pos + 1);
	(void)evbuffer_add_printf(kept, "%s", line);
	evbuffer_free(s->queue);
	s->queue = kept;
	flush(s);
}

static void send_line(struct subscriber *s, const char *line)
{
	if (!s->conn || s->dropped)
		return;
	if (evbuffer_add_printf(s->queue, "%s", line) < 0) {
		shut_down(s);
		return;
	}
	flush(s);
	if (s->conn && evbuffer_get_length(s->queue) > EVENTS_BACKLOG)
		drop_slow(s);
}

void events_send(struct events *events, const char *line)
{
	struct subscriber *s;

	LIST_EACH (s, &events->clients, link)
		send_line(s, line);
}

bool events_has_room(struct events *events)
{
	struct subscriber *s;
	unsigned leaving = 0;

	LIST_EACH (s, &events->clients, link) {
		if (s->conn && has_gone(s))
			shut_down(s);
		leaving += !s->conn;
	}
	return events->n - leaving < EVENTS_CLIENTS;
}

static bool make_events(struct subscriber *s)
{
	struct event_base *base = s->events->base;

	s->queue = evbuffer_new();
	s->readable = event_new(base, s->fd, EV_READ | EV_PERSIST, on_readable, s);
	s->writable = event_new(base, s->fd, EV_WRITE, on_writable, s);
	s->deadline = evtimer_new(base, on_deadline, s);
	return s->queue && s->readable && s->writable && s->deadline &&
	       event_add(s->readable, NULL) == 0;
}

int events_subscribe(struct events *events, struct evhttp_request *http, struct connection *conn,
		     const char *first)
{
	static const char head[] = "HTTP/1.1 200 OK\r\n"
				   "Content-Type: application/x-ndjson\r\n"
				   "Cache-Control: no-store\r\n"
				   "Connection: close\r\n\r\n";
	struct evhttp_connection *peer = evhttp_request_get_connection(http);
	struct subscriber *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->events = events;
	s->http = http;
	s->conn = conn;
	s->fd = connection_socket(conn);
	if (!make_events(s)) {
		subscriber_free(s);
		return -ENOMEM;
	}
	list_append(&events->clients, &s->link);
	events->n++;
	connection_stream(conn);
	bufferevent_disable(evhttp_connection_get_bufferevent(peer), EV_READ);
	evhttp_connection_set_closecb(peer, on_close, s);
	send_line(s, head);
	send_line(s, first);
	return 0;
}

void events_clear(struct events *events)
{
	struct subscriber *s;

	if (!events->base)
		return;
	while ((s = LIST_FIRST(&events->clients, struct subscriber, link))) {
		evhttp_connection_set_closecb(evhttp_request_get_connection(s->http), NULL, NULL);
		subscriber_drop(s);
	}
	events->base = NULL;
}

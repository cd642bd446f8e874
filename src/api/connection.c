/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * evhttp accepts every client, and its only limit is an idle timeout. So connection_new() gives it
 * a filter (bufferevent_filter_new()) on top of the socket. Each byte passes through pass_in() and
 * pass_out():
 *
 * - With the first byte pass_in() checks the peer's credentials (SO_PEERCRED). The connection of
 *   another user is closed before evhttp gets any of its bytes.
 * - The first byte of a request starts its deadline, and the end of its answer stops it. evhttp's
 *   own timeout restarts with every byte: a client that sends one byte a second would stay forever.
 * - An answer goes from the filter's buffer directly to the socket. In the socket's own buffer the
 *   answer would be lost when evhttp closes the connection, because evhttp only checks the filter's
 *   buffer. libevent would also write it without MSG_NOSIGNAL.
 * - evhttp's own HTML pages (request too large, no HTTP, unknown method) are replaced by JSON.
 *
 * A connection is closed if its first request does not arrive in time, or if a request is not
 * answered in time. After an answer a connection may stay idle until the gate needs room for
 * another one: see gate.c.
 */
#include "connection.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/log.h"
#include "fauxroot/base/str.h"
#include "fauxroot/sys/peer.h"
#include "gate.h"
#include "inside.h"

enum phase {
	PHASE_FRESH = 0, /* no byte of the first request has arrived */
	PHASE_IDLE,	 /* no byte of the next request has arrived */
	PHASE_RECEIVING, /* evhttp reads a request; if it writes, it writes a page of its own */
	PHASE_COMPOSING, /* between connection_answer_begin() and _end() */
	PHASE_SENDING,	 /* our answer is being sent */
	PHASE_STREAMING, /* another file writes to the socket: connection_stream() */
	PHASE_SHUT_DOWN, /* shut down; libevent will free it */
};

struct connection {
	struct gate_member member; /* its gate is NULL after the server has stopped */
	struct bufferevent *socket;
	struct bufferevent *filter; /* on top of the socket; evhttp uses this one */
	struct event *deadline;
	struct event *page;	/* evhttp has written a page of its own */
	struct event *writable; /* the socket accepts more of an answer; NULL until needed */
	enum phase phase;
	bool trusted; /* the peer's credentials have been checked */
	enum { INSIDE_UNKNOWN = 0, INSIDE_NO, INSIDE_YES } inside;
};

static struct connection *connection_of(const struct gate_member *member)
{
	return CONTAINER(member, struct connection, member);
}

static void connection_move(struct connection *conn, enum phase phase)
{
	conn->phase = phase;
	gate_move(&conn->member, phase == PHASE_FRESH  ? GATE_FRESH
				 : phase == PHASE_IDLE ? GATE_IDLE
						       : GATE_BUSY);
}

static void connection_arm(struct connection *conn)
{
	struct timeval limit;

	if (!conn->member.gate)
		return;
	limit = timeval_ms(conn->member.gate->limits.request_ms);
	evtimer_add(conn->deadline, &limit);
}

/* Has evhttp freed the connection? Then the filter has no callbacks, and the event loop calls
 * connection_free() later. */
static bool is_leaving(const struct connection *conn)
{
	bufferevent_event_cb on_event = NULL;

	bufferevent_getcb(conn->filter, NULL, NULL, &on_event, NULL);
	return !on_event;
}

static void connection_shut_down(struct connection *conn)
{
	connection_move(conn, PHASE_SHUT_DOWN);
	evtimer_del(conn->deadline);
	if (conn->writable)
		event_del(conn->writable);
	/* A deferred callback would take a reference to a filter whose last reference is gone. */
	if (is_leaving(conn))
		return;
	shutdown(bufferevent_getfd(conn->socket), SHUT_RDWR);
	/* If a full buffer has suspended reading, libevent does not see the end of file by itself.
	 */
	bufferevent_trigger_event(conn->filter, BEV_EVENT_READING | BEV_EVENT_EOF,
				  BEV_TRIG_DEFER_CALLBACKS);
}

/* gate_ops.shut_down */
static void shut_down_member(struct gate_member *member)
{
	connection_shut_down(connection_of(member));
}

/* gate_ops.orphan: libevent frees the connection some time later. */
static void orphan_member(struct gate_member *member)
{
	evtimer_del(connection_of(member)->deadline);
}

/* gate_ops.has_input */
static bool member_has_input(const struct gate_member *member)
{
	int n = 0;

	return ioctl(connection_socket(connection_of(member)), FIONREAD, &n) == 0 && n > 0;
}

const struct gate_ops connection_gate_ops = {
	.has_input = member_has_input,
	.shut_down = shut_down_member,
	.orphan = orphan_member,
};

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	log_debug("api.sock: closing the connection of a client that is too slow");
	connection_shut_down(arg);
}

/*
 * Reading and writing.
 */

/* Our own user and root (man 7 unix, SO_PEERCRED). */
static bool peer_allowed(struct connection *conn)
{
	struct ucred peer = {.uid = (uid_t)-1};

	if (peer_credentials(bufferevent_getfd(conn->socket), &peer) == 0 &&
	    (peer.uid == 0 || peer.uid == geteuid()))
		return true;
	log_warning("api.sock: refused a client of user %u (PID %d)", peer.uid, peer.pid);
	return false;
}

static enum bufferevent_filter_result pass_in(struct evbuffer *from, struct evbuffer *to,
					      ev_ssize_t limit, enum bufferevent_flush_mode mode,
					      void *arg)
{
	struct connection *conn = arg;
	size_t n = evbuffer_get_length(from);

	(void)mode;
	if (n == 0)
		return BEV_NEED_MORE;
	if (conn->phase != PHASE_SHUT_DOWN && !conn->trusted) {
		conn->trusted = peer_allowed(conn);
		if (!conn->trusted)
			connection_shut_down(conn);
	}
	if (conn->phase == PHASE_SHUT_DOWN) {
		evbuffer_drain(from, n);
		return BEV_ERROR;
	}
	if (conn->phase == PHASE_FRESH || conn->phase == PHASE_IDLE) {
		connection_move(conn, PHASE_RECEIVING);
		connection_arm(conn);
	}
	if (limit >= 0)
		n = MIN(n, (size_t)limit);
	return evbuffer_remove_buffer(from, to, n) < 0 ? BEV_ERROR : BEV_OK;
}

/* Send as much of @from as the socket accepts. A closed connection must not raise SIGPIPE. */
static void send_now(struct connection *conn, struct evbuffer *from)
{
	const void *data = evbuffer_pullup(from, -1);
	ssize_t n = 0;

	if (data)
		n = send(bufferevent_getfd(conn->socket), data, evbuffer_get_length(from),
			 MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n > 0) {
		evbuffer_drain(from, (size_t)n);
	} else if (!data || (errno != EAGAIN && errno != EINTR)) {
		evbuffer_drain(from, evbuffer_get_length(from));
		connection_shut_down(conn);
	}
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct connection *conn = arg;

	(void)fd;
	(void)what;
	bufferevent_flush(conn->filter, EV_WRITE, BEV_NORMAL);
}

static void wait_until_writable(struct connection *conn)
{
	if (!conn->writable)
		conn->writable =
			event_new(bufferevent_get_base(conn->socket),
				  bufferevent_getfd(conn->socket), EV_WRITE, on_writable, conn);
	if (!conn->writable || event_add(conn->writable, NULL) < 0)
		connection_shut_down(conn);
}

static bool is_continue(struct evbuffer *from)
{
	char start[10];

	/* "HTTP/1.1 100 Continue" */
	return evbuffer_copyout(from, start, sizeof(start)) == sizeof(start) && start[9] == '1';
}

static enum bufferevent_filter_result pass_out(struct evbuffer *from, struct evbuffer *to,
					       ev_ssize_t limit, enum bufferevent_flush_mode mode,
					       void *arg)
{
	struct connection *conn = arg;

	(void)to;
	(void)limit;
	(void)mode;
	if (conn->phase == PHASE_COMPOSING ||
	    (conn->phase == PHASE_RECEIVING && !is_continue(from)))
		return BEV_NEED_MORE;
	if (conn->phase == PHASE_SHUT_DOWN) {
		evbuffer_drain(from, evbuffer_get_length(from));
		return BEV_OK;
	}
	send_now(conn, from);
	if (evbuffer_get_length(from) == 0)
		return BEV_OK;
	wait_until_writable(conn);
	return BEV_NEED_MORE;
}

/*
 * evhttp has refused a request by itself. Keep the status of its page ("HTTP/1.1 413 Request Entity
 * Too Large"), replace the page by JSON, and close the connection.
 */
static void on_page(evutil_socket_t fd, short what, void *arg)
{
	struct connection *conn = arg;
	struct evbuffer *page = bufferevent_get_output(conn->filter);
	_cleanup_free_ char *line = NULL;
	const char *status;
	char head[256], body[128];

	(void)fd;
	(void)what;
	if (conn->phase != PHASE_RECEIVING || evbuffer_get_length(page) == 0)
		return;
	line = evbuffer_readln(page, NULL, EVBUFFER_EOL_CRLF_STRICT);
	status = line ? strchr(line, ' ') : NULL;
	if (status && (status[1] == '4' || status[1] == '5') && strlen(status) > 5)
		status++;
	else
		status = "400 Bad Request";
	/* The text comes from evhttp, and needs no escapes. */
	(void)str_print(body, sizeof(body), "{\"message\":\"%.100s\"}", status + 4);
	(void)str_print(head, sizeof(head),
			"HTTP/1.1 %.100s\r\nContent-Type: application/json\r\n"
			"Content-Length: %zu\r\nConnection: close\r\n\r\n",
			status, strlen(body));
	evbuffer_drain(page, evbuffer_get_length(page));
	if (evbuffer_add_printf(page, "%s%s", head, body) > 0)
		send_now(conn, page);
	connection_shut_down(conn);
	evbuffer_drain(page, evbuffer_get_length(page));
}

/* evhttp writes some pages while writing is disabled, and pass_out() does not see these. */
static void on_output(struct evbuffer *output, const struct evbuffer_cb_info *info, void *arg)
{
	struct connection *conn = arg;

	(void)output;
	if (info->n_added > 0 && conn->phase == PHASE_RECEIVING)
		event_active(conn->page, EV_TIMEOUT, 0);
}

/*
 * Creating and freeing.
 */

static void connection_destroy(struct connection *conn)
{
	if (conn->deadline)
		event_free(conn->deadline);
	if (conn->page)
		event_free(conn->page);
	if (conn->writable)
		event_free(conn->writable);
	free(conn);
}

/* libevent calls this when it frees the filter, after evhttp has freed its connection. */
static void connection_free(void *arg)
{
	struct connection *conn = arg;

	gate_leave(&conn->member);
	connection_destroy(conn);
}

/* Create the socket and the filter of @conn. After -ENOMEM the caller calls connection_destroy().
 */
static int connection_init(struct connection *conn, struct event_base *base)
{
	conn->deadline = evtimer_new(base, on_deadline, conn);
	conn->page = evtimer_new(base, on_page, conn);
	if (!conn->deadline || !conn->page)
		return -ENOMEM;
	conn->socket = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
	if (!conn->socket)
		return -ENOMEM;
	conn->filter = bufferevent_filter_new(conn->socket, pass_in, pass_out,
					      BEV_OPT_CLOSE_ON_FREE, connection_free, conn);
	if (!conn->filter) {
		bufferevent_free(conn->socket);
		return -ENOMEM;
	}
	/* A client that sends requests faster than it reads answers must not fill our memory. */
	bufferevent_setwatermark(conn->socket, EV_READ, 0, API_HEADER_SIZE);
	bufferevent_setwatermark(conn->filter, EV_READ, 0, API_HEADER_SIZE + API_BODY_SIZE);
	evbuffer_add_cb(bufferevent_get_output(conn->filter), on_output, conn);
	return 0;
}

struct bufferevent *connection_new(struct event_base *base, void *arg)
{
	struct gate *gate = arg;
	struct connection *conn = calloc(1, sizeof(*conn));

	gate_accepted(gate);
	if (!conn)
		return NULL;
	if (connection_init(conn, base) < 0) {
		connection_destroy(conn);
		return NULL;
	}
	gate_enter(gate, &conn->member);
	connection_arm(conn);
	return conn->filter;
}

/* gate_find() */
static bool has_filter(const struct gate_member *member, const void *bev)
{
	return connection_of(member)->filter == bev;
}

struct connection *connection_find(struct gate *gate, const struct bufferevent *bev)
{
	struct gate_member *member = gate_find(gate, has_filter, bev);

	return member ? connection_of(member) : NULL;
}

int connection_socket(const struct connection *conn)
{
	return bufferevent_getfd(conn->socket);
}

void connection_stream(struct connection *conn)
{
	connection_move(conn, PHASE_STREAMING);
	evtimer_del(conn->deadline);
}

void connection_close(struct connection *conn)
{
	connection_shut_down(conn);
}

bool connection_is_inside(struct connection *conn)
{
	if (conn->inside == INSIDE_UNKNOWN)
		conn->inside = client_is_inside(connection_socket(conn)) ? INSIDE_YES : INSIDE_NO;
	return conn->inside == INSIDE_YES;
}

void connection_answer_begin(struct connection *conn)
{
	if (conn->phase != PHASE_SHUT_DOWN)
		connection_move(conn, PHASE_COMPOSING);
}

void connection_answer_end(struct connection *conn)
{
	if (conn->phase == PHASE_COMPOSING)
		connection_move(conn, PHASE_SENDING);
	bufferevent_flush(conn->filter, EV_WRITE, BEV_NORMAL);
}

void connection_answered(struct connection *conn)
{
	if (conn->phase != PHASE_SENDING)
		return;
	/* The next request may have arrived together with this one. */
	if (evbuffer_get_length(bufferevent_get_input(conn->filter)) > 0) {
		connection_move(conn, PHASE_RECEIVING);
		connection_arm(conn);
		return;
	}
	connection_move(conn, PHASE_IDLE);
	evtimer_del(conn->deadline);
	if (conn->member.gate)
		gate_review(conn->member.gate);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Each request has its own connection: HTTP/1.0 over a UNIX socket. A server must not answer
 * HTTP/1.0 in chunks, so the header Content-Length or the end of the connection ends the body. One
 * buffer has the whole answer. The head is parsed again with each received piece until it is
 * complete; its limited size keeps that cheap.
 *
 * connect(2) of a UNIX socket waits while the listener's queue is full, at most for SO_SNDTIMEO
 * (man 7 socket). send(2) waits in the same way. All waits end at one deadline.
 */
#include "fauxroot/api/client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "fauxroot/api/trust.h"
#include "fauxroot/api/json.h"
#include "fauxroot/base/clock.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"
#include "fauxroot/base/str.h"
#include "fauxroot/sys/peer.h"
#include "http.h"
#include "limits.h"

#define MAX_HEAD (16 << 10)
#define MAX_BODY (1 << 20)

/* The initial size of the receive buffer; most answers fit. */
#define FIRST_ROOM 4096

void api_reply_clear(struct api_reply *reply)
{
	free(reply->body);
	*reply = (struct api_reply){.status = 0};
}

/* A request and its answer so far. */
struct call {
	const char *socket;
	unsigned ms;
	struct deadline deadline;
	int sock;
	char *data; /* the received bytes; NUL-terminated */
	size_t size, room;
	struct http_head head;
};

static void call_clear(struct call *call)
{
	fd_close(call->sock);
	free(call->data);
}

static int timed_out(const struct call *call, struct error *err)
{
	return err_say(err, ETIMEDOUT, "no answer from \"%s\" within %u seconds", call->socket,
		       (call->ms + 999) / 1000);
}

/* Let connect(2) and send(2) wait until the deadline, and at least 1 ms: 0 means forever. */
static int bound_sending(const struct call *call)
{
	int left_ms = MAX(deadline_left(&call->deadline), 1);
	struct timeval limit = timeval_ms(left_ms);

	return setsockopt(call->sock, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0 ? -errno
											  : 0;
}

static int open_connection(struct call *call, struct error *err)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int rc;

	if (str_print(addr.sun_path, sizeof(addr.sun_path), "%s", call->socket) < 0)
		return err_set(err, ENAMETOOLONG, "connecting to \"%s\"", call->socket);
	call->sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	rc = call->sock < 0 ? -errno : bound_sending(call);
	if (rc == 0 && connect(call->sock, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		rc = -errno;
	if (rc == -EAGAIN)
		return timed_out(call, err);
	return rc < 0 ? err_set(err, -rc, "connecting to \"%s\"", call->socket) : 0;
}

/*
 * A server may answer and close before it has read the whole request. So ignore EPIPE: receiving
 * gets the answer, or reports that there is none.
 */
static int send_request(struct call *call, const char *text, struct error *err)
{
	size_t left = strlen(text);

	while (left > 0) {
		ssize_t n = send(call->sock, text, left, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return timed_out(call, err);
		if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
			return 0;
		if (n < 0)
			return err_set(err, errno, "calling \"%s\"", call->socket);
		text += n;
		left -= (size_t)n;
	}
	return 0;
}

/* The whole request; NULL when out of memory. */
static char *compose(const char *method, const char *path, const char *body)
{
	char type[80] = "";

	if (body)
		(void)str_print(type, sizeof(type),
				"Content-Type: application/json\r\nContent-Length: %zu\r\n",
				strlen(body));
	return str_format("%s %s HTTP/1.0\r\nHost: localhost\r\n%s\r\n%s", method, path, type,
			  body ? body : "");
}

static int make_room(struct call *call, struct error *err)
{
	size_t room = call->room == 0 ? FIRST_ROOM : call->room * 2;
	char *larger;

	if (call->size + 1 < call->room)
		return 0;
	larger = realloc(call->data, room);
	if (!larger) {
		err_set(err, ENOMEM, "calling \"%s\"", call->socket);
		return -ENOMEM;
	}
	call->data = larger;
	call->room = room;
	return 0;
}

/* Receive more of the answer. Returns the number of bytes, 0 at the end, or -errno. */
static ssize_t receive(struct call *call, struct error *err)
{
	ssize_t n;
	int rc = make_room(call, err);

	if (rc < 0)
		return rc;
	rc = fd_wait(call->sock, POLLIN, &call->deadline, -1);
	if (rc == -ETIMEDOUT)
		return timed_out(call, err);
	if (rc < 0)
		return err_set(err, -rc, "calling \"%s\"", call->socket);
	n = recv(call->sock, call->data + call->size, call->room - call->size - 1, MSG_DONTWAIT);
	/* A server that closes before it has read the whole request resets the connection. */
	if (n < 0 && errno == ECONNRESET)
		n = 0;
	if (n < 0)
		return err_set(err, errno, "calling \"%s\"", call->socket);
	call->size += (size_t)n;
	call->data[call->size] = '\0';
	return n;
}

/* Receive the complete head; skip interim answers (1xx). */
static int receive_head(struct call *call, struct error *err)
{
	for (;;) {
		ssize_t n = 1;
		int rc = call->size > 0 ? http_head_parse(call->data, call->size, &call->head, err)
					: 0;

		if (rc < 0)
			return err_wrap(err, rc, "the answer from \"%s\"", call->socket);
		if (call->head.size > 0 && call->head.status >= 200)
			return 0;
		if (call->head.size > 0) {
			call->size -= call->head.size;
			memmove(call->data, call->data + call->head.size, call->size + 1);
			call->head.size = 0;
			continue;
		}
		if (call->size > MAX_HEAD)
			return err_say(err, EFBIG,
				       "the headers of the answer from \"%s\" are larger than %d "
				       "bytes",
				       call->socket, MAX_HEAD);
		n = receive(call, err);
		if (n == 0)
			return err_say(err, EPROTO,
				       "\"%s\" has closed the connection without an "
				       "answer",
				       call->socket);
		if (n < 0)
			return (int)n;
	}
}

static int receive_body(struct call *call, struct error *err)
{
	ssize_t n = 1;

	for (;;) {
		size_t have = call->size - call->head.size;

		if (have >= call->head.length) {
			call->size = call->head.size + (size_t)call->head.length;
			return 0;
		}
		if (have > MAX_BODY ||
		    (call->head.length != HTTP_NO_LENGTH && call->head.length > MAX_BODY))
			return err_say(err, EFBIG, "the answer from \"%s\" is larger than %d bytes",
				       call->socket, MAX_BODY);
		n = receive(call, err);
		if (n < 0)
			return (int)n;
		if (n == 0 && call->head.length == HTTP_NO_LENGTH)
			return 0;
		if (n == 0)
			return err_say(err, EPROTO, "the answer from \"%s\" is truncated",
				       call->socket);
	}
}

/* Send @request and receive the head of the answer. */
static int begin(struct call *call, const char *request, struct error *err)
{
	int rc = open_connection(call, err);

	if (rc < 0)
		return rc;
	rc = api_check_server(call->sock, API_TO_SHOW, err);
	if (rc < 0)
		return err_wrap(err, rc, "\"%s\"", call->socket);
	rc = send_request(call, request, err);
	return rc == 0 ? receive_head(call, err) : rc;
}

static int perform(struct call *call, const char *request, struct error *err)
{
	int rc = begin(call, request, err);

	return rc == 0 ? receive_body(call, err) : rc;
}

/* Move the body to the start of the buffer, and pass the buffer to the caller. */
static int take_reply(struct call *call, struct api_reply *ret, struct error *err)
{
	size_t size = call->size - call->head.size;
	char *body = TAKE_PTR(call->data);

	/* Cannot happen: a head has been received. */
	if (!body)
		return err_say(err, EPROTO, "\"%s\" has not answered", call->socket);
	memmove(body, body + call->head.size, size);
	body[size] = '\0';
	*ret = (struct api_reply){.status = call->head.status, .body = body, .size = size};
	return 0;
}

int api_call_within(unsigned ms, const char *socket, const char *method, const char *path,
		    const char *body, struct api_reply *ret, struct error *err)
{
	_cleanup_(call_clear) struct call call = {
		.socket = socket,
		.ms = ms,
		.deadline = deadline_in(ms),
		.sock = -1,
	};
	_cleanup_free_ char *request = compose(method, path, body);
	int64_t start_us = clock_us();
	int rc = request ? perform(&call, request, err)
			 : err_set(err, ENOMEM, "calling \"%s\"", socket);

	if (rc == 0)
		rc = take_reply(&call, ret, err);
	if (rc < 0)
		return rc;
	log_debug("%s %s over \"%s\": %ld, %zu bytes in %lld us", method, path, socket, ret->status,
		  ret->size, (long long)(clock_us() - start_us));
	return 0;
}

int api_call(const char *socket, const char *method, const char *path, const char *body,
	     struct api_reply *ret, struct error *err)
{
	return api_call_within(API_CALL_MS, socket, method, path, body, ret, err);
}

/* Wait for the server. -EPIPE: @out has no reader any more (man 2 poll: POLLERR). */
static int wait_to_follow(const struct call *call, int out, struct error *err)
{
	struct pollfd fds[] = {{.fd = call->sock, .events = POLLIN}, {.fd = out}};

	while (poll(fds, ARRAY_SIZE(fds), -1) < 0)
		if (errno != EINTR)
			return err_set(err, errno, "reading from \"%s\"", call->socket);
	return fds[1].revents & POLLERR ? err_set(err, EPIPE, "passing on the answer") : 0;
}

/* Pass on the received part of the body, and receive more, until the server closes the
 * connection. */
static int follow(struct call *call, int out, api_sink *sink, void *arg, struct error *err)
{
	for (;;) {
		ssize_t n;
		int rc = 0;

		if (call->size > call->head.size)
			rc = sink(arg, call->data + call->head.size, call->size - call->head.size,
				  err);
		if (rc < 0)
			return rc;
		call->size = call->head.size = 0;
		rc = wait_to_follow(call, out, err);
		if (rc < 0)
			return rc;
		call->deadline = deadline_in(call->ms);
		n = receive(call, err);
		if (n <= 0)
			return (int)n;
	}
}

int api_follow(unsigned ms, const char *socket, const char *path, int out, api_sink *sink,
	       void *arg, struct error *err)
{
	_cleanup_(call_clear) struct call call = {
		.socket = socket,
		.ms = ms,
		.deadline = deadline_in(ms),
		.sock = -1,
	};
	_cleanup_free_ char *request = compose("GET", path, NULL);
	struct api_reply reply = {.status = 0};
	int rc = request ? begin(&call, request, err)
			 : err_set(err, ENOMEM, "calling \"%s\"", socket);

	if (rc == 0)
		log_debug("GET %s over \"%s\": %ld", path, socket, call.head.status);
	if (rc == 0 && call.head.status == 200)
		return follow(&call, out, sink, arg, err);
	if (rc == 0)
		rc = receive_body(&call, err);
	if (rc == 0)
		rc = take_reply(&call, &reply, err);
	if (rc < 0)
		return rc;
	rc = api_reply_expect(&reply, 200, err);
	api_reply_clear(&reply);
	return rc;
}

int api_launcher(const char *socket, struct peer *ret, struct error *err)
{
	_cleanup_(call_clear) struct call call = {
		.socket = socket,
		.ms = API_CALL_MS,
		.deadline = deadline_in(API_CALL_MS),
		.sock = -1,
	};
	_cleanup_peer_ struct peer peer = PEER_NONE;
	int rc = open_connection(&call, err);

	if (rc < 0)
		return rc;
	rc = api_check_server(call.sock, API_TO_ACT, err);
	if (rc < 0)
		return err_wrap(err, rc, "\"%s\"", socket);
	rc = peer_open(call.sock, PEER_LISTENS, &peer);
	if (rc < 0)
		return err_set(err, -rc, "finding the process that serves \"%s\"", socket);
	*ret = peer;
	peer = PEER_NONE;
	return 0;
}

int api_reply_expect(const struct api_reply *reply, long status, struct error *err)
{
	_cleanup_json_ json_t *root = NULL;
	const char *message;

	if (reply->status == status)
		return 0;
	root = json_loadb(reply->body, reply->size, 0, NULL);
	message = json_string_value(json_object_get(root, "message"));
	if (!message)
		return err_say(err, EPROTO, "the server answered HTTP status %ld", reply->status);
	return err_say(err, EPROTO, "%s (HTTP status %ld)", message, reply->status);
}

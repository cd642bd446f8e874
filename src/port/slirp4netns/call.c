/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * slirp4netns takes one JSON request per connection and sends one JSON answer; the client marks the
 * end of the request with shutdown(2) (man 1 slirp4netns, "API SOCKET"). slirp4netns crashes on
 * requests that lack a member, so our requests are always complete. Answers are untrusted, because
 * the command can replace the socket with its own. So answers have a maximum size and a deadline,
 * and their types are checked.
 */
#include "call.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/json.h"
#include "fauxroot/sys/unix.h"

#define ANSWER_MS 5000

/* Connect and send @request, taking over the reference. Returns the connection, or -errno. */
static int send_request(const char *socket, json_t *request, struct error *err)
{
	_cleanup_json_ json_t *owned = request;
	_cleanup_free_ char *text = owned ? json_dumps(owned, JSON_COMPACT) : NULL;
	_cleanup_close_ int fd = -1;
	int rc;

	if (!text)
		return err_set(err, ENOMEM, "sending a request to slirp4netns");
	rc = unix_connect(socket, SOCK_STREAM, &fd);
	if (rc == -ENOENT || rc == -ECONNREFUSED)
		return err_say(err, ECONNREFUSED,
			       "slirp4netns is not running: connecting to %s: %s", socket,
			       strerror(-rc));
	if (rc < 0)
		return err_set(err, -rc, "connecting to %s", socket);
	/* A request has a few hundred bytes, so it always fits into the socket's buffer. */
	if (send(fd, text, strlen(text), MSG_NOSIGNAL) != (ssize_t)strlen(text) ||
	    shutdown(fd, SHUT_WR) < 0)
		return err_set(err, errno, "sending a request to slirp4netns");
	return TAKE_FD(fd);
}

/* Read the available part of the answer. Returns 1 at its end, 0 if more will follow, -errno. */
static int read_answer(int fd, char *data, size_t *size, struct error *err)
{
	for (;;) {
		ssize_t n = recv(fd, data + *size, SLIRPCALL_BYTES - *size, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n < 0)
			return err_set(err, errno, "reading the answer of slirp4netns");
		if (n == 0)
			return 1;
		*size += (size_t)n;
		if (*size == SLIRPCALL_BYTES)
			return err_say(err, EMSGSIZE, "the answer of slirp4netns is too long");
	}
}

static int wait_error(int rc, struct error *err)
{
	return err_set(err, -rc, "waiting for the answer of slirp4netns");
}

/* @ret: the member "return", a new reference. A refusal becomes an error with slirp4netns's text.
 */
static int parse_answer(const char *data, size_t size, json_t **ret, struct error *err)
{
	_cleanup_json_ json_t *answer = json_loadb(data, size, JSON_REJECT_DUPLICATES, NULL);
	const json_t *error = json_object_get(answer, "error");
	json_t *result = json_object_get(answer, "return");
	const char *text = json_string_value(json_object_get(error, "desc"));

	if (error)
		return err_say(err, EIO, "slirp4netns refused: %s",
			       text ? text : "no reason given");
	if (!json_is_object(result))
		return err_say(err, EPROTO, "invalid answer from slirp4netns");
	*ret = json_incref(result);
	return 0;
}

int slirpcall_wait(const char *socket, json_t *request, int cancel_fd, json_t **ret,
		   struct error *err)
{
	struct deadline deadline = deadline_in(ANSWER_MS);
	_cleanup_close_ int fd = send_request(socket, request, err);
	_cleanup_json_ json_t *result = NULL;
	char data[SLIRPCALL_BYTES];
	size_t size = 0;
	int rc = MIN(fd, 0);

	while (rc == 0) {
		rc = fd_wait(fd, POLLIN, &deadline, cancel_fd);
		rc = rc < 0 ? wait_error(rc, err) : read_answer(fd, data, &size, err);
	}
	if (rc > 0)
		rc = parse_answer(data, size, &result, err);
	if (rc == 0 && ret)
		*ret = TAKE_PTR(result);
	return rc;
}

/* Wait for the next part of the answer, until the deadline. */
static int wait_for_more(struct slirpcall *call)
{
	int left = deadline_left(&call->deadline);
	struct timeval limit = timeval_ms(left);

	return event_add(call->on_answer, &limit) < 0 ? -ENOMEM : 0;
}

static void on_answer(evutil_socket_t fd, short what, void *arg)
{
	struct slirpcall *call = arg;
	_cleanup_json_ json_t *result = NULL;
	struct error err;
	int rc;

	if (what & EV_TIMEOUT)
		rc = wait_error(-ETIMEDOUT, &err);
	else
		rc = read_answer(fd, call->answer, &call->size, &err);
	if (rc == 0) {
		rc = wait_for_more(call);
		if (rc == 0)
			return;
		(void)wait_error(rc, &err);
	}
	if (rc > 0)
		rc = parse_answer(call->answer, call->size, &result, &err);
	if (rc == -ETIMEDOUT && call->expired)
		call->expired(call->arg);
	slirpcall_clear(call);
	call->done(call->arg, result, rc < 0 ? &err : NULL);
}

int slirpcall_move(struct slirpcall *from, struct event_base *base, int64_t ms,
		   struct slirpcall *to)
{
	to->on_answer = event_new(base, from->fd, EV_READ, on_answer, to);
	if (!to->on_answer)
		return -ENOMEM;
	event_free(TAKE_PTR(from->on_answer));
	to->fd = TAKE_FD(from->fd);
	to->size = from->size;
	memcpy(to->answer, from->answer, from->size);
	to->deadline = deadline_in(ms);
	if (wait_for_more(to) == 0)
		return 0;
	slirpcall_clear(to);
	return -ENOMEM;
}

int slirpcall_start(struct slirpcall *call, struct event_base *base, const char *socket,
		    json_t *request, struct error *err)
{
	int fd = send_request(socket, request, err);

	if (fd < 0)
		return fd;
	call->fd = fd;
	call->size = 0;
	call->deadline = deadline_in(ANSWER_MS);
	call->on_answer = event_new(base, fd, EV_READ, on_answer, call);
	if (call->on_answer && wait_for_more(call) == 0)
		return 0;
	fd_close(fd);
	slirpcall_clear(call);
	return err_set(err, ENOMEM, "sending a request to slirp4netns");
}

static void on_unsent(evutil_socket_t fd, short what, void *arg)
{
	struct slirpcall *call = arg;
	const struct error why = call->unsent;

	(void)fd;
	(void)what;
	slirpcall_clear(call);
	call->done(call->arg, NULL, &why);
}

int slirpcall_fail_later(struct slirpcall *call, struct event_base *base, const struct error *err)
{
	const struct timeval wait = timeval_ms(ANSWER_MS);

	call->unsent = *err;
	call->on_answer = evtimer_new(base, on_unsent, call);
	if (call->on_answer && evtimer_add(call->on_answer, &wait) == 0)
		return 0;
	slirpcall_clear(call);
	return -ENOMEM;
}

void slirpcall_clear(struct slirpcall *call)
{
	if (!call->on_answer)
		return;
	event_free(TAKE_PTR(call->on_answer));
	call->fd = fd_close(call->fd);
}

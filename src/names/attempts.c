/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * An attacker who guesses the form of an answer can answer instead of the server. So each question
 * has a random id, and a source port that is hard to guess (sources.c). The socket is connected:
 * the kernel drops datagrams from other addresses and ports. An answer must have the id and repeat
 * the question, byte by byte. Capital letters count: they protect a client that chooses them at
 * random (the "0x20 bit"). If the answer has other capital letters, or if too many datagrams are no
 * answer, the server is asked again over TCP, where an attacker cannot answer.
 *
 * connect(2) is only possible to the addresses of name servers: proc/destinations.h.
 */
#include "attempts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "fauxroot/base/macro.h"

/* After that many datagrams that are no answer, ask over TCP. */
#define UNEXPECTED_MAX 16

static void fail(struct attempt *a)
{
	a->ops->failed(a);
}

/* Send the question with the id of this attempt. */
static int send_datagram(const struct attempt *a)
{
	uint8_t *p = a->question->bytes + QUESTION_PREFIX;

	dns_set_id(p, a->id);
	return send(a->source->watch.fd, p, a->question->size, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int send_stream(struct attempt *a)
{
	size_t size = a->question->size + QUESTION_PREFIX;
	ssize_t n;

	dns_set_id(a->question->bytes + QUESTION_PREFIX, a->id);
	n = send(a->watch.fd, a->question->bytes + a->sent, size - a->sent, MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	a->sent += (size_t)n;
	if (a->sent < size)
		return 0;
	return names_watch_change(a->sources->loop, &a->watch, EPOLLIN);
}

static void ask_over_tcp(struct attempt *a);

/* Returns true if the attempt has ended. */
static bool take_answer(struct attempt *a, uint8_t *p, size_t size)
{
	enum dns_match match;

	dns_set_id(a->question->bytes + QUESTION_PREFIX, a->id);
	match = dns_match(a->question->bytes + QUESTION_PREFIX, a->question->end, p, size);
	a->reusable = match == DNS_SAME && a->unexpected == 0;
	if (match == DNS_SAME || match == DNS_BARE || (a->tcp && match == DNS_SAME_BUT_CASE)) {
		a->ops->answered(a, match, p, size);
		return true;
	}
	if (a->tcp) {
		fail(a);
		return true;
	}
	if (match == DNS_SAME_BUT_CASE || ++a->unexpected >= UNEXPECTED_MAX) {
		ask_over_tcp(a);
		return true;
	}
	return false;
}

/* source.ready */
static void on_datagram(void *user)
{
	struct attempt *a = user;

	for (;;) {
		ssize_t n = recv(a->source->watch.fd, a->buffer, DNS_MAX_BYTES, 0);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < 0) {
			fail(a);
			return;
		}
		if (take_answer(a, a->buffer, (size_t)n))
			return;
	}
}

/* Make room for @size bytes. */
static int make_room(struct attempt *a, size_t size)
{
	uint8_t *in = size > a->in_room ? realloc(a->in, size) : a->in;

	if (!in)
		return -ENOMEM;
	a->in = in;
	a->in_room = MAX(size, a->in_room);
	return 0;
}

/* Read the length, then that many bytes. Returns 1 when the answer is complete. */
static int read_stream(struct attempt *a)
{
	for (;;) {
		size_t want = QUESTION_PREFIX;
		ssize_t n;

		if (a->in_size >= QUESTION_PREFIX)
			want += (size_t)(a->in[0] << 8 | a->in[1]);
		if (a->in_size >= QUESTION_PREFIX && a->in_size == want)
			return 1;
		if (make_room(a, want) < 0)
			return -ENOMEM;
		n = recv(a->watch.fd, a->in + a->in_size, want - a->in_size, 0);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		if (n == 0)
			return -ECONNRESET;
		a->in_size += (size_t)n;
	}
}

static void on_stream(struct attempt *a)
{
	int rc = 0;

	if (a->sent < a->question->size + QUESTION_PREFIX)
		rc = send_stream(a);
	else
		rc = read_stream(a);
	if (rc < 0)
		fail(a);
	else if (rc > 0)
		(void)take_answer(a, a->in + QUESTION_PREFIX, a->in_size - QUESTION_PREFIX);
}

static void on_ready(struct watch *watch, uint32_t events)
{
	(void)events;
	on_stream(CONTAINER(watch, struct attempt, watch));
}

static int begin_stream(struct attempt *a)
{
	a->watch.fd = server_connect(a->slot, SOCK_STREAM);
	if (a->watch.fd < 0)
		return a->watch.fd;
	return names_watch_add(a->sources->loop, &a->watch, EPOLLOUT);
}

/* Get a datagram socket, and send the question. */
static int begin_datagram(struct attempt *a)
{
	int rc = sources_take(a->sources, a->slot, a->generation, on_datagram, a, &a->source);

	if (rc == 0)
		rc = send_datagram(a);
	if (rc == 0 || !a->source || a->source->uses == 1)
		return rc;
	/* The socket was used before. Its own address may not exist any more: use a new socket. */
	source_close(TAKE_PTR(a->source));
	sources_clear(a->sources);
	rc = sources_take(a->sources, a->slot, a->generation, on_datagram, a, &a->source);
	return rc == 0 ? send_datagram(a) : rc;
}

/* Start to ask; the rest happens in the event loop. */
static int begin(struct attempt *a)
{
	int rc = sources_random(a->sources, &a->id);

	if (rc < 0)
		return rc;
	return a->tcp ? begin_stream(a) : begin_datagram(a);
}

static void ask_over_tcp(struct attempt *a)
{
	source_close(TAKE_PTR(a->source));
	a->tcp = true;
	if (begin(a) < 0)
		fail(a);
}

static void release_sockets(struct attempt *a)
{
	if (a->source && a->reusable)
		source_release(a->source);
	else
		source_close(a->source);
	a->source = NULL;
	names_watch_close(a->sources->loop, &a->watch);
}

int attempt_start(const struct attempt_spec *spec, struct attempt **ret)
{
	struct attempt *a = calloc(1, sizeof(*a));
	int rc;

	if (!a)
		return -ENOMEM;
	*a = (struct attempt){
		.watch = {.fd = -1, .ready = on_ready},
		.sources = spec->sources,
		.ops = spec->ops,
		.owner = spec->owner,
		.question = spec->question,
		.buffer = spec->buffer,
		.server = spec->server,
		.generation = spec->generation,
		.slot = spec->slot,
		.asked_ms = spec->sources->loop->now_ms,
		.tcp = spec->tcp,
	};
	list_init(&a->link);
	rc = begin(a);
	if (rc < 0) {
		release_sockets(a);
		free(a);
		return rc;
	}
	*ret = a;
	return 0;
}

void attempt_end(struct attempt *a)
{
	list_remove(&a->link);
	release_sockets(a);
	free(a->in);
	names_loop_discard(a->sources->loop, &a->garbage, a);
}

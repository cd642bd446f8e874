/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A client may send several queries over one connection without waiting; the answers come in any
 * order. Memory and descriptors are limited: the connection of a client that does not read its
 * answers, or sends nothing, is closed. At the limit of connections, a new connection displaces
 * one: of the client address that has the most, the one that has been idle for the longest time.
 *
 * Some queries are answered at once, without a name server. So the number of queries of one
 * connection in one turn of the loop is limited: a client that never pauses delays no other client.
 */
#include "streams.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/macro.h"

/* The bytes of answers that a client may leave unread in our memory. */
#define UNREAD_MAX (128U << 10)

/* The most connections that are accepted in one turn of the loop. */
#define ACCEPTS_A_TURN 16

/* The most queries that are read from one connection in one turn of the loop. */
#define QUERIES_A_TURN 32U

struct stream {
	struct list link;
	struct watch watch;
	struct garbage garbage;
	struct streams *streams;
	struct client *client;
	union endpoint from;
	int64_t active_ms;
	unsigned n_queries;
	bool at_end;	 /* the client sends no more */
	bool broken;	 /* close it soon: streams_tick() */
	uint32_t events; /* the watched events */
	uint8_t *in;	 /* length and query */
	size_t in_size, in_room;
	uint8_t *out; /* answers that the socket did not take */
	size_t out_size, out_room;
};

void streams_init(struct streams *streams, struct loop *loop, struct queries *queries)
{
	streams->loop = loop;
	streams->queries = queries;
	list_init(&streams->all);
}

/* Close a connection and cancel its queries, so that no answer uses it later. */
static void close_stream(struct stream *s)
{
	struct streams *streams = s->streams;

	queries_cancel(streams->queries, s);
	names_watch_close(streams->loop, &s->watch);
	list_remove(&s->link);
	streams->n--;
	s->client->n_streams--;
	clients_release(s->client);
	free(s->in);
	free(s->out);
	names_loop_discard(streams->loop, &s->garbage, s);
}

/* Watch for the events that the stream can handle now. Returns false if the stream is finished, or
 * cannot be watched. */
static bool watch_stream(struct stream *s)
{
	bool reads = !s->at_end && s->n_queries < STREAM_QUERIES_MAX && s->out_size == 0;
	uint32_t events =
		(reads ? (uint32_t)EPOLLIN : 0U) | (s->out_size > 0 ? (uint32_t)EPOLLOUT : 0U);

	if (s->at_end && s->n_queries == 0 && s->out_size == 0)
		return false;
	if (events == s->events)
		return true;
	s->events = events;
	return names_watch_change(s->streams->loop, &s->watch, events) == 0;
}

/* Make room for @size bytes. */
static int make_room(uint8_t **buffer, size_t *room, size_t size)
{
	uint8_t *grown = size > *room ? realloc(*buffer, size) : *buffer;

	if (!grown)
		return -ENOMEM;
	*buffer = grown;
	*room = MAX(*room, size);
	return 0;
}

/* Send the waiting answers, as far as the socket accepts them. Returns 0 or -errno. */
static int flush(struct stream *s)
{
	ssize_t n = send(s->watch.fd, s->out, s->out_size, MSG_NOSIGNAL);

	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	s->active_ms = s->streams->loop->now_ms;
	s->out_size -= (size_t)n;
	memmove(s->out, s->out + n, s->out_size);
	return 0;
}

/* Append length and answer to the waiting answers, and send them. */
static int reply(struct stream *s, const uint8_t *p, size_t size)
{
	size_t end = s->out_size + QUESTION_PREFIX + size;

	if (end > UNREAD_MAX)
		return -ENOBUFS;
	if (make_room(&s->out, &s->out_room, end) < 0)
		return -ENOMEM;
	s->out[s->out_size] = (uint8_t)(size >> 8);
	s->out[s->out_size + 1] = (uint8_t)size;
	memcpy(s->out + s->out_size + QUESTION_PREFIX, p, size);
	s->out_size = end;
	return flush(s);
}

/* query.answer. It does not close the stream, because its callers still use the stream. */
static void on_answer(struct query *query, const uint8_t *p, size_t size)
{
	struct stream *s = query->asker;

	s->n_queries--;
	s->active_ms = s->streams->loop->now_ms;
	if ((p && reply(s, p, size) < 0) || !watch_stream(s))
		s->broken = true;
}

/* Process the complete query in s->in. Returns 0 or -errno. */
static int take_query(struct stream *s, uint8_t *p, size_t size)
{
	struct dns_query read;
	int rc = dns_read_query(p, size, &read);
	const struct query_spec spec = {
		.client = s->client,
		.from = &s->from,
		.answer = on_answer,
		.asker = s,
		.stream = true,
		.read = &read,
		.p = p,
		.size = size,
	};

	if (rc == -EBADMSG)
		return rc;
	s->active_ms = s->streams->loop->now_ms;
	if (rc == 0) {
		s->n_queries++;
		rc = queries_ask(s->streams->queries, &spec);
		if (rc == 0)
			return 0;
		s->n_queries--;
		dns_reply(p, read.question_end, DNS_SERVFAIL, false, p);
	} else {
		dns_reply(p, read.question_end, rc == -EINVAL ? DNS_FORMERR : DNS_NOTIMP, false, p);
	}
	return reply(s, p, read.question_end);
}

/*
 * Read one query at a time: a part of the next one may stay in s->in, but never a complete one. So
 * the descriptor is ready again if there is more to do. Returns 0 or -errno.
 */
static int read_queries(struct stream *s)
{
	unsigned taken = 0;

	while (taken < QUERIES_A_TURN && s->n_queries < STREAM_QUERIES_MAX && s->out_size == 0 &&
	       !s->broken) {
		size_t want = QUESTION_PREFIX;
		ssize_t n;
		int rc = 0;

		if (s->in_size >= QUESTION_PREFIX)
			want += (size_t)(s->in[0] << 8 | s->in[1]);
		if (s->in_size >= QUESTION_PREFIX && s->in_size == want) {
			s->in_size = 0;
			taken++;
			rc = take_query(s, s->in + QUESTION_PREFIX, want - QUESTION_PREFIX);
			if (rc < 0)
				return rc;
			continue;
		}
		if (make_room(&s->in, &s->in_room, want) < 0)
			return -ENOMEM;
		n = recv(s->watch.fd, s->in + s->in_size, want - s->in_size, 0);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		if (n == 0) {
			s->at_end = true;
			return 0;
		}
		s->in_size += (size_t)n;
	}
	return 0;
}

static void on_stream(struct watch *watch, uint32_t events)
{
	struct stream *s = CONTAINER(watch, struct stream, watch);
	int rc = 0;

	if (events & EPOLLERR)
		rc = -ECONNRESET;
	if (rc == 0 && s->out_size > 0)
		rc = flush(s);
	if (rc == 0 && !s->at_end)
		rc = read_queries(s);
	if (rc == 0 && (events & EPOLLHUP))
		rc = -EPIPE;
	if (rc < 0 || s->broken || !watch_stream(s))
		close_stream(s);
}

/* There are too many connections: of the client with the most, close the one that has been idle for
 * the longest time. */
static void displace_stream(struct streams *streams)
{
	struct stream *s, *victim = NULL;

	LIST_EACH (s, &streams->all, link)
		if (!victim || s->client->n_streams > victim->client->n_streams ||
		    (s->client == victim->client && s->active_ms < victim->active_ms))
			victim = s;
	if (victim)
		close_stream(victim);
}

/* The stream owns @fd, also after a failure. */
static void open_stream(struct streams *streams, int fd, const union endpoint *from)
{
	struct stream *s = calloc(1, sizeof(*s));

	if (!s) {
		fd_close(fd);
		return;
	}
	if (streams->n >= STREAMS_MAX)
		displace_stream(streams);
	s->client = clients_find(streams->queries->clients, from);
	if (!s->client) {
		fd_close(fd);
		free(s);
		return;
	}
	s->watch = (struct watch){.fd = fd, .ready = on_stream};
	s->streams = streams;
	s->from = *from;
	s->active_ms = streams->loop->now_ms;
	s->events = EPOLLIN;
	s->client->n_streams++;
	streams->n++;
	list_append(&streams->all, &s->link);
	if (names_watch_add(streams->loop, &s->watch, s->events) < 0)
		close_stream(s);
}

static void on_client(struct watch *watch, uint32_t events)
{
	struct stream_listener *listener = CONTAINER(watch, struct stream_listener, watch);
	struct streams *streams = listener->streams;

	(void)events;
	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
		union endpoint from;
		socklen_t size = sizeof(from);
		int fd = accept4(watch->fd, &from.sa, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			open_stream(streams, fd, &from);
			continue;
		}
		if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR)
			listener->paused = names_watch_change(streams->loop, watch, 0) == 0;
		return;
	}
}

int streams_listen(struct streams *streams, struct stream_listener *listener, int fd)
{
	*listener = (struct stream_listener){
		.watch = {.fd = fd, .ready = on_client},
		.streams = streams,
	};
	return names_watch_add(streams->loop, &listener->watch, EPOLLIN);
}

void streams_resume(struct stream_listener *listener)
{
	if (listener->paused &&
	    names_watch_change(listener->streams->loop, &listener->watch, EPOLLIN) == 0)
		listener->paused = false;
}

void streams_tick(struct streams *streams)
{
	int64_t now = streams->loop->now_ms;
	struct stream *s, *following;

	LIST_EACH_SAFE (s, following, &streams->all, link)
		if (s->broken || (s->n_queries == 0 && now - s->active_ms >= STREAM_IDLE_MS))
			close_stream(s);
}

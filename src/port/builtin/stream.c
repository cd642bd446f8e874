/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A stream moves the bytes of one direction of a relay. Small amounts are received into the
 * thread's buffer and sent on: two system calls, and no pipe. A read that fills the buffer
 * indicates a bulk transfer. Its bytes go through a borrowed pipe by splice(2), without a copy,
 * until the sender pauses.
 *
 * Urgent data (man 7 tcp) keeps its position in the stream, and no byte is lost; the mark is not
 * passed on. splice(2) stops at the mark, so after its first mark a stream is copied. splice(2)
 * returns 0 at the end of file, but also at a mark if the end of file follows it; and epoll may
 * report the mark later. Only recv(2) distinguishes the two cases, because it reads past the mark.
 *
 * A UNIX socket may return less than it has (man 7 unix: descriptors that the peer sends along end
 * a read, and are closed). So it is read until it is empty.
 *
 * If the receiver does not take all bytes, the rest stays in the pipe, or is copied from the buffer
 * into a leftover. Then nothing more is read. So the memory for a receiver that never reads is
 * limited, and the TCP window stops the sender.
 */
#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "fauxroot/base/macro.h"

/* The number of rounds before other relays of the thread get their turn. */
#define ROUNDS 16

/* Bytes per splice(2): the receiver can start reading while we fetch the next chunk. */
#define CHUNK (256 << 10)

/* If a bulk transfer pauses with fewer bytes than this, the stream copies again. */
#define BULK_MIN (32 << 10)

int mover_init(struct mover *m, struct loop *loop, unsigned max_pipes)
{
	memset(m, 0, sizeof(*m));
	m->loop = loop;
	m->pipes.max = max_pipes;
	m->buffer = mmap(NULL, BUFFER_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	return m->buffer == MAP_FAILED ? -errno : 0;
}

void mover_trim(struct mover *m)
{
	if (pipes_trim(&m->pipes) > 0)
		madvise(m->buffer, BUFFER_BYTES, MADV_DONTNEED);
}

void stream_clear(struct mover *m, struct stream *s)
{
	if (s->holds == HOLDS_PIPE)
		pipes_return(&m->pipes, s->pipe, s->n == 0);
	else if (s->holds == HOLDS_LEFTOVER)
		free(s->leftover);
	s->holds = HOLDS_NOTHING;
	s->n = s->at = 0;
}

/* @to is full: wait for EPOLLOUT. Returns the state to report. */
static enum stream_state wait_writable(struct mover *m, struct end *to)
{
	to->writable = false;
	if (!to->asked_out) {
		/* If there is room again meanwhile, this reports it at once. */
		if (watch_change(m->loop, &to->watch, END_EVENTS | EPOLLOUT) < 0)
			return STREAM_BROKEN;
		to->asked_out = true;
	}
	return STREAM_WAITS;
}

/* Keep the @n bytes at @data that @to has not taken. */
static enum stream_state keep(struct mover *m, struct stream *s, struct end *to, const char *data,
			      size_t n)
{
	s->leftover = malloc(n);
	if (!s->leftover)
		return STREAM_BROKEN;
	s->holds = HOLDS_LEFTOVER;
	memcpy(s->leftover, data, n);
	s->n = (uint32_t)n;
	s->at = 0;
	return wait_writable(m, to);
}

static enum stream_state send_leftover(struct mover *m, struct stream *s, struct end *to)
{
	ssize_t n =
		send(to->watch.fd, s->leftover + s->at, s->n - s->at, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN ? wait_writable(m, to) : STREAM_BROKEN;
	m->moved += (uint64_t)n;
	s->at += (uint32_t)n;
	if (s->at < s->n)
		return wait_writable(m, to);
	stream_clear(m, s);
	return STREAM_YIELDS;
}

/* Receive into the thread's buffer and send on. */
static enum stream_state copy(struct mover *m, struct stream *s, struct end *from, struct end *to)
{
	ssize_t n = recv(from->watch.fd, m->buffer, BUFFER_BYTES, MSG_DONTWAIT), sent;

	if (n < 0) {
		if (errno != EAGAIN)
			return STREAM_BROKEN;
		from->readable = false;
		return STREAM_WAITS;
	}
	if (n == 0) {
		s->eof = true;
		return STREAM_YIELDS;
	}
	s->bulk = n == BUFFER_BYTES;
	/* A short read has emptied the socket (man 7 epoll), and later bytes are a new edge. But a
	 * hang-up may have been reported with these bytes, or the read may have ended at the urgent
	 * mark. */
	if (!s->bulk && !from->hung && !from->urgent && !from->partial)
		from->readable = false;
	sent = send(to->watch.fd, m->buffer, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (sent < 0) {
		if (errno != EAGAIN)
			return STREAM_BROKEN;
		sent = 0;
	}
	m->moved += (uint64_t)sent;
	if (sent < n)
		return keep(m, s, to, m->buffer + sent, (size_t)(n - sent));
	return STREAM_YIELDS;
}

/* Fill the borrowed pipe from @from. Returns the number of bytes, which may be 0, or -1. */
static ssize_t fill_pipe(struct stream *s, struct end *from)
{
	size_t held = s->n;
	ssize_t n;

	if (!from->readable || from->urgent || held >= CHUNK)
		return 0;
	n = splice(from->watch.fd, NULL, s->pipe.in, NULL, CHUNK - held,
		   SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	if (n < 0) {
		if (errno != EAGAIN)
			return -1;
		/* If the pipe contains bytes, EAGAIN may mean that the pipe is full. */
		if (held == 0)
			from->readable = false;
		return 0;
	}
	s->n += (uint32_t)n;
	/* 0 means end of file or an urgent mark: copy() finds out which, when the pipe is empty. */
	s->bulk = n >= BULK_MIN;
	return n;
}

/* Move bytes through the pipe once. */
static enum stream_state move_spliced(struct mover *m, struct stream *s, struct end *from,
				      struct end *to)
{
	ssize_t filled = fill_pipe(s, from), n;

	if (filled < 0)
		return STREAM_BROKEN;
	if (s->n == 0) {
		stream_clear(m, s);
		return from->readable ? STREAM_YIELDS : STREAM_WAITS;
	}
	if (!to->writable)
		return filled > 0 ? STREAM_YIELDS : STREAM_WAITS;
	n = splice(s->pipe.out, NULL, to->watch.fd, NULL, s->n, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	if (n < 0) {
		if (errno != EAGAIN)
			return STREAM_BROKEN;
		return wait_writable(m, to);
	}
	s->n -= (uint32_t)n;
	m->spliced += (uint64_t)n;
	m->moved += (uint64_t)n;
	return STREAM_YIELDS;
}

static enum stream_state move_once(struct mover *m, struct stream *s, struct end *from,
				   struct end *to)
{
	if (s->holds == HOLDS_PIPE)
		return move_spliced(m, s, from, to);
	if (s->holds == HOLDS_LEFTOVER)
		return to->writable ? send_leftover(m, s, to) : STREAM_WAITS;
	if (s->eof) {
		s->done = true;
		/* ENOTCONN: the receiver has closed the connection meanwhile. */
		return shutdown(to->watch.fd, SHUT_WR) < 0 ? STREAM_BROKEN : STREAM_DONE;
	}
	if (!from->readable)
		return STREAM_WAITS;
	if (s->bulk && !from->urgent && pipes_borrow(&m->pipes, m->loop->now_ms, &s->pipe)) {
		s->holds = HOLDS_PIPE;
		return STREAM_YIELDS;
	}
	return copy(m, s, from, to);
}

enum stream_state stream_move(struct mover *m, struct stream *s, struct end *from, struct end *to)
{
	enum stream_state state = STREAM_YIELDS;

	if (s->done)
		return STREAM_DONE;
	for (int round = 0; round < ROUNDS && state == STREAM_YIELDS; round++)
		state = move_once(m, s, from, to);
	return state;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Many queries are received with one call, and the answers of a turn of the loop are sent with one
 * call. An answer that is too large for that is sent at once. A query that is too large is answered
 * with "truncated": the client repeats it over TCP.
 */
#include "datagrams.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "clients.h"
#include "message.h"

/* The most system calls that receive, in one turn of the loop. */
#define CALLS_A_TURN 4

static void prepare(struct batch *b, unsigned i, size_t size)
{
	b->parts[i] = (struct iovec){.iov_base = b->bytes[i], .iov_len = size};
	b->headers[i].msg_hdr = (struct msghdr){
		.msg_name = &b->peers[i],
		.msg_namelen = sizeof(b->peers[i]),
		.msg_iov = &b->parts[i],
		.msg_iovlen = 1,
	};
}

void datagrams_flush(struct datagrams *d)
{
	unsigned sent = 0;

	while (sent < d->out.n) {
		int n = sendmmsg(d->watch.fd, d->out.headers + sent, d->out.n - sent, MSG_NOSIGNAL);

		/* A datagram that cannot be sent is lost, as UDP allows. */
		sent += n > 0 ? (unsigned)n : 1U;
	}
	d->out.n = 0;
}

static void send_to(struct datagrams *d, const union endpoint *to, const uint8_t *p, size_t size)
{
	struct batch *out = &d->out;

	if (size > DATAGRAM_BYTES) {
		(void)!sendto(d->watch.fd, p, size, MSG_NOSIGNAL, &to->sa, endpoint_size(to));
		return;
	}
	if (out->n == DATAGRAMS_A_CALL)
		datagrams_flush(d);
	prepare(out, out->n, size);
	out->peers[out->n] = *to;
	out->headers[out->n].msg_hdr.msg_namelen = endpoint_size(to);
	memcpy(out->bytes[out->n], p, size);
	out->n++;
}

/* query.answer */
static void answer(struct query *query, const uint8_t *p, size_t size)
{
	if (p)
		send_to(query->asker, &query->from, p, size);
}

static void take(struct datagrams *d, uint8_t *p, size_t size, bool cut, const union endpoint *from)
{
	struct dns_query read;
	int rc = dns_read_query(p, size, &read);
	struct query_spec spec = {
		.from = from,
		.answer = answer,
		.asker = d,
		.read = &read,
		.p = p,
		.size = size,
	};

	if (rc == -EBADMSG)
		return;
	if (rc < 0 || cut) {
		enum dns_rcode rcode = rc == 0	       ? DNS_NOERROR
				       : rc == -EINVAL ? DNS_FORMERR
						       : DNS_NOTIMP;

		dns_reply(p, read.question_end, rcode, rc == 0, p);
		send_to(d, from, p, read.question_end);
		return;
	}
	spec.client = clients_find(d->queries->clients, from);
	if (spec.client && queries_ask(d->queries, &spec) < 0)
		clients_release(spec.client);
}

/* Receive and process datagrams. Returns their number. */
static unsigned receive(struct datagrams *d)
{
	struct batch *in = &d->in;
	int n;

	for (unsigned i = 0; i < DATAGRAMS_A_CALL; i++)
		prepare(in, i, DATAGRAM_BYTES);
	n = recvmmsg(d->watch.fd, in->headers, DATAGRAMS_A_CALL, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++)
		take(d, in->bytes[i], in->headers[i].msg_len,
		     in->headers[i].msg_hdr.msg_flags & MSG_TRUNC, &in->peers[i]);
	return n > 0 ? (unsigned)n : 0;
}

static void on_datagrams(struct watch *watch, uint32_t events)
{
	struct datagrams *d = CONTAINER(watch, struct datagrams, watch);
	int calls = 0;

	(void)events;
	while (calls++ < CALLS_A_TURN && receive(d) == DATAGRAMS_A_CALL)
		;
}

int datagrams_listen(struct datagrams *d, struct queries *queries, int fd)
{
	d->watch = (struct watch){.fd = fd, .ready = on_datagrams};
	d->queries = queries;
	d->in.n = d->out.n = 0;
	return names_watch_add(queries->loop, &d->watch, EPOLLIN);
}

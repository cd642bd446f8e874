/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The workers share one listening socket of TCP; EPOLLEXCLUSIVE (man 2 epoll_ctl) wakes one of them
 * for a connection. A connection is accepted only when a socket towards the target is at hand, so
 * an accepted client never waits for one: while there is none (the agent is being started again, or
 * descriptors have run out) clients wait in the kernel's backlog, and the worker leaves the
 * listener alone instead of spinning on it.
 */
#include "worker.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/macro.h"

/* So many at a time, before what has been accepted gets its turn. */
#define ACCEPT_ROUNDS 8

static bool is_member(const struct worker *w, const struct listener *l)
{
	return !l->udp || l->id % w->forwarder->n_workers == w->index;
}

static int seat_watch(struct worker *w, struct seat *seat)
{
	uint32_t events = seat->listener->udp ? EPOLLIN : EPOLLIN | EPOLLEXCLUSIVE;
	int rc = watch_add(w, &seat->listener->watch, events);

	seat->watched = rc == 0;
	return rc;
}

static struct seat *seat_of(struct worker *w, const struct listener *l)
{
	for (struct list *at = w->seats.next; at != &w->seats; at = at->next) {
		struct seat *seat = CONTAINER(at, struct seat, link);

		if (seat->listener == l)
			return seat;
	}
	return NULL;
}

int listener_adopt(struct worker *w, struct listener *l)
{
	struct seat *seat;
	int rc;

	if (!is_member(w, l))
		return 0;
	seat = calloc(1, sizeof(*seat));
	if (!seat)
		return -ENOMEM;
	seat->listener = l;
	rc = l->udp ? udp_adopt(w, l) : 0;
	if (rc == 0)
		rc = seat_watch(w, seat);
	if (rc < 0) {
		free(seat);
		return rc;
	}
	list_insert(&w->seats, &seat->link);
	supply_need(w, l->kind);
	return 0;
}

void listener_leave(struct worker *w, struct listener *l)
{
	struct seat *seat = seat_of(w, l);

	if (w->index == 0)
		list_remove(&l->link);
	if (seat) {
		if (seat->watched)
			watch_remove(w, &l->watch);
		list_remove(&seat->link);
		free(seat);
	}
	if (l->udp)
		udp_leave(w, l);
	else
		relays_close_port(w, l->id);
	listener_release(l);
}

void listener_release(struct listener *l)
{
	if (atomic_fetch_sub(&l->users, 1) == 1) {
		fd_close(l->watch.fd);
		forwarder_closed(l->forwarder);
		free(l);
	}
}

void listeners_resume(struct worker *w)
{
	if (!w->resting)
		return;
	w->resting = false;
	for (struct list *at = w->seats.next; at != &w->seats; at = at->next) {
		struct seat *seat = CONTAINER(at, struct seat, link);

		if (!seat->watched && seat_watch(w, seat) < 0)
			w->resting = true;
	}
}

void listener_rest(struct worker *w, const struct listener *l)
{
	struct seat *seat = seat_of(w, l);

	if (!seat)
		return;
	if (seat->watched)
		watch_remove(w, &seat->listener->watch);
	seat->watched = false;
	w->resting = true;
}

/* Take one connection; false when there is none, or not now. */
static bool accept_one(struct worker *w, struct listener *l)
{
	union endpoint client;
	socklen_t size = sizeof(client);
	int fd, target;

	target = supply_take(w, l->kind);
	if (target < 0) {
		listener_rest(w, l);
		return false;
	}
	fd = accept4(l->watch.fd, &client.sa, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0) {
		relay_open(w, l, fd, &client, target);
		return true;
	}
	supply_put_back(w, l->kind, target);
	switch (errno) {
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		worker_out_of_descriptors(w);
		listener_rest(w, l);
		return false;
	case ECONNABORTED:
	case EINTR:
		return true;
	default:
		/* EAGAIN; and the network's errors of a client that has gone (man 2 accept). */
		return false;
	}
}

void listener_event(struct worker *w, struct listener *l)
{
	if (l->udp) {
		udp_event(w, l);
		return;
	}
	for (int i = 0; i < ACCEPT_ROUNDS; i++)
		if (!accept_one(w, l))
			return;
}

enum source listener_source(const struct listener *l, int fd, const union endpoint *client)
{
	union endpoint source = *client;

	if (endpoint_is_loopback(client))
		return SOURCE_PLAIN;
	if (l->transparent && client->sa.sa_family == l->child.sa.sa_family) {
		endpoint_set_port(&source, 0);
		if (bind(fd, &source.sa, endpoint_size(&source)) == 0)
			return SOURCE_PLAIN;
	}
	/* Routing gives a loopback source towards loopback addresses alone. */
	if (!endpoint_is_loopback(&l->child))
		return SOURCE_PLAIN;
	if (l->proxy.sa.sa_family != AF_UNSPEC &&
	    bind(fd, &l->proxy.sa, endpoint_size(&l->proxy)) == 0)
		return SOURCE_PROXY;
	return SOURCE_REFUSED;
}

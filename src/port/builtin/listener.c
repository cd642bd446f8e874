/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The workers share one listening socket of TCP; EPOLLEXCLUSIVE (man 2 epoll_ctl) wakes one of them
 * for a connection. A connection is accepted only when a socket towards the target is at hand, so
 * an accepted client never waits for one: while there is none (the agent is being started again, or
 * descriptors have run out) clients wait in the kernel's backlog, and the worker leaves the
 * listener alone instead of spinning on it.
 *
 * A port that has all connections that it may have (shares.c) accepts one more all the same, where
 * the client may turn out to be another than those that fill it. That one gets its place, waits in
 * the worker's seat, or is reset.
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
	seat->waiting = -1;
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
		if (seat->waiting >= 0) {
			fd_close(seat->waiting);
			share_give_up(l->share, w->index);
		}
		list_remove(&seat->link);
		free(seat);
	}
	if (l->udp)
		udp_leave(w, l);
	else
		relays_close_port(w, l->share);
	listener_release(l);
}

void listener_release(struct listener *l)
{
	if (atomic_fetch_sub(&l->users, 1) == 1) {
		fd_close(l->watch.fd);
		share_close(l->share);
		forwarder_closed(l->forwarder);
		free(l);
	}
}

/* May clients be accepted there again? */
static bool may_watch(const struct seat *seat)
{
	return seat->listener->udp || (seat->waiting < 0 && share_look(seat->listener->share));
}

void listeners_resume(struct worker *w)
{
	if (!w->resting)
		return;
	w->resting = false;
	for (struct list *at = w->seats.next; at != &w->seats; at = at->next) {
		struct seat *seat = CONTAINER(at, struct seat, link);

		if (!seat->watched && (!may_watch(seat) || seat_watch(w, seat) < 0))
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

/* Make a relay of the client at @fd, if its port's share allows; false: no more clients now. */
static bool admit(struct worker *w, struct listener *l, int fd, const union endpoint *client,
		  int target)
{
	enum share_answer answer = relay_open(w, l, fd, client, target);
	struct seat *seat;

	if (answer == SHARE_ENTERED)
		return true;
	supply_put_back(w, l->kind, target);
	worker_out_of_share(w, l->share);
	if (answer == SHARE_REFUSED) {
		fd_close(fd);
		return true;
	}
	seat = seat_of(w, l);
	seat->waiting = fd;
	seat->client = *client;
	listener_rest(w, l);
	return false;
}

/* Take one connection; false when there is none, or not now. */
static bool accept_one(struct worker *w, struct listener *l)
{
	union endpoint client;
	socklen_t size = sizeof(client);
	int fd, target;

	if (share_is_shut(l->share)) {
		worker_out_of_share(w, l->share);
		listener_rest(w, l);
		return false;
	}
	target = supply_take(w, l->kind);
	if (target < 0) {
		listener_rest(w, l);
		return false;
	}
	fd = accept4(l->watch.fd, &client.sa, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0)
		return admit(w, l, fd, &client, target);
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

void listeners_retry(struct worker *w)
{
	if (!w->retry)
		return;
	w->retry = false;
	for (struct list *at = w->seats.next; at != &w->seats; at = at->next) {
		struct seat *seat = CONTAINER(at, struct seat, link);
		int fd = seat->waiting, target;

		if (fd < 0)
			continue;
		target = supply_take(w, seat->listener->kind);
		if (target < 0)
			continue;
		seat->waiting = -1;
		(void)admit(w, seat->listener, fd, &seat->client, target);
		listeners_resume(w);
	}
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

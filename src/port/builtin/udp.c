/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * One flow a client address: a socket of the child's network namespace, connected to the target, so
 * that answers find their client. Datagrams come and go in batches (recvmmsg(2), sendmmsg(2));
 * those of one size to one receiver travel through the kernel as one (UDP_SEGMENT, man 7 udp).
 *
 * A flow is as old as its last datagram of either direction; the least recently used one makes room
 * when there are too many, or when descriptors run out. A dead target (ECONNREFUSED) is survived:
 * it may come back.
 *
 * Clients that are not on loopback come from the address of the child's interface. A server on the
 * wildcard address answers those from that address instead of the loopback one that we sent to: the
 * socket of such a flow stays unconnected, and senders are looked at here.
 */
#include "udp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/epoll.h>
#include <sys/mman.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/macro.h"

#define IDLE_MS	  90000
#define SLOTS_MIN 64

static uint64_t hash(const struct udp *udp, const union endpoint *client)
{
	uint64_t h = udp->seed, part[2] = {client->in.sin_addr.s_addr, 0};

	if (client->sa.sa_family == AF_INET6)
		memcpy(part, &client->in6.sin6_addr, sizeof(part));
	h = (h ^ part[0]) * 0x9e3779b97f4a7c15;
	h ^= h >> 32;
	h = (h ^ part[1] ^ endpoint_port(client)) * 0x9e3779b97f4a7c15;
	return h ^ h >> 29;
}

static struct flow **slot_of(struct udp *udp, const union endpoint *client)
{
	return &udp->slots[hash(udp, client) & (udp->n_slots - 1)];
}

static struct flow *find(struct udp *udp, const struct listener *l, const union endpoint *client,
			 const struct in6_addr *local)
{
	if (udp->n_slots == 0)
		return NULL;
	for (struct flow *flow = *slot_of(udp, client); flow; flow = flow->next)
		if (flow->listener == l && endpoint_equal(&flow->client, client) &&
		    IN6_ARE_ADDR_EQUAL(&flow->local, local))
			return flow;
	return NULL;
}

/* Chains of one on average. Where memory is short they grow longer instead. */
static int resize(struct udp *udp, size_t n_slots)
{
	struct flow **old = udp->slots, **slots = calloc(n_slots, sizeof(struct flow *));
	size_t n_old = udp->n_slots;

	if (!slots)
		return udp->slots ? 0 : -ENOMEM;
	udp->slots = slots;
	udp->n_slots = n_slots;
	for (size_t i = 0; i < n_old; i++)
		for (struct flow *flow = old[i], *next; flow; flow = next) {
			struct flow **slot = slot_of(udp, &flow->client);

			next = flow->next;
			flow->next = *slot;
			*slot = flow;
		}
	free(old);
	return 0;
}

static void flow_close(struct worker *w, struct flow *flow)
{
	struct udp *udp = w->udp;
	struct flow **at = slot_of(udp, &flow->client);

	while (*at != flow)
		at = &(*at)->next;
	*at = flow->next;
	watch_remove(w, &flow->watch);
	flow->watch.fd = fd_close(flow->watch.fd);
	list_remove(&flow->lru);
	list_insert(&udp->dead, &flow->lru);
	udp->n_flows--;
	atomic_fetch_sub_explicit(&w->forwarder->flows, 1, memory_order_relaxed);
}

/* Close the least recently used flow that has nothing to send in this batch; false: there is none.
 */
static bool make_room(struct worker *w)
{
	for (struct list *at = w->udp->lru.prev; at != &w->udp->lru; at = at->prev) {
		struct flow *flow = CONTAINER(at, struct flow, lru);

		if (flow->first >= 0)
			continue;
		flow_close(w, flow);
		return true;
	}
	return false;
}

/* Bind and connect a new flow's socket. */
static int flow_connect(struct flow *flow, const struct listener *l)
{
	switch (listener_source(l, flow->watch.fd, &flow->client)) {
	case SOURCE_REFUSED:
		return -EADDRNOTAVAIL;
	case SOURCE_PROXY:
		return 0;
	case SOURCE_PLAIN:
		break;
	}
	flow->connected = true;
	return connect(flow->watch.fd, &l->destination->sa, endpoint_size(&l->child)) < 0 ? -errno
											  : 0;
}

static bool too_many(struct forwarder *f)
{
	unsigned n = atomic_load_explicit(&f->flows, memory_order_relaxed);

	return n >= MIN(f->flows_max, shares_flows_max(&f->shares));
}

static struct flow *flow_new(struct worker *w, struct listener *l, const union endpoint *client,
			     const struct in6_addr *local)
{
	struct udp *udp = w->udp;
	struct flow *flow;
	int fd;

	if (too_many(w->forwarder) && !make_room(w))
		return NULL;
	if (udp->n_flows >= udp->n_slots && resize(udp, MAX(udp->n_slots * 2, SLOTS_MIN)) < 0)
		return NULL;
	fd = supply_take(w, l->kind);
	if (fd < 0) {
		/* The next datagram of this client may find a descriptor. */
		make_room(w);
		return NULL;
	}
	flow = calloc(1, sizeof(*flow));
	if (!flow) {
		fd_close(fd);
		return NULL;
	}
	flow->watch.fd = fd;
	flow->watch.type = WATCH_FLOW;
	flow->listener = l;
	flow->client = *client;
	flow->local = *local;
	flow->first = -1;
	flow->segments = true;
	/* EADDRINUSE, EAGAIN: all local ports are taken (ip_local_port_range). */
	if (flow_connect(flow, l) < 0 || watch_add(w, &flow->watch, EPOLLIN) < 0) {
		fd_close(fd);
		free(flow);
		make_room(w);
		return NULL;
	}
	flow->next = *slot_of(udp, client);
	*slot_of(udp, client) = flow;
	list_insert(&udp->lru, &flow->lru);
	udp->n_flows++;
	atomic_fetch_add_explicit(&w->forwarder->flows, 1, memory_order_relaxed);
	worker_grown(w);
	return flow;
}

static void touch(struct worker *w, struct flow *flow)
{
	flow->last_ms = w->now_ms;
	list_remove(&flow->lru);
	list_insert(&w->udp->lru, &flow->lru);
}

/* Sort the @n datagrams received at @l by flow; those without one are lost. */
static unsigned sort(struct worker *w, struct listener *l, unsigned n, struct flow **touched)
{
	struct udp *udp = w->udp;
	unsigned n_touched = 0;

	for (unsigned i = 0; i < n; i++) {
		const union endpoint *client = batch_name(udp->batch, i);
		struct in6_addr local;
		struct flow *flow;

		batch_local(udp->batch, i, &local);
		flow = find(udp, l, client, &local);
		if (!flow)
			flow = flow_new(w, l, client, &local);
		if (!flow)
			continue;
		udp->batch->next[i] = -1;
		if (flow->first < 0) {
			touched[n_touched++] = flow;
			flow->first = (int16_t)i;
		} else {
			udp->batch->next[flow->last] = (int16_t)i;
		}
		flow->last = (int16_t)i;
	}
	return n_touched;
}

void udp_event(struct worker *w, struct listener *l)
{
	struct udp *udp = w->udp;
	struct flow *touched[BATCH_DATAGRAMS];
	unsigned room = supply_stock(w, l->kind), n_touched;
	int n;

	/* Each datagram may be a new client's: read as many as there are sockets for. */
	if (room == 0) {
		int fd = supply_take(w, l->kind);

		if (fd >= 0)
			supply_put_back(w, l->kind, fd);
		if (!w->supply.scarce) {
			listener_rest(w, l);
			return;
		}
		room = BATCH_DATAGRAMS;
	}
	n = batch_receive(udp->batch, l->watch.fd, MIN(room, BATCH_DATAGRAMS));
	if (n <= 0)
		return;
	n_touched = sort(w, l, (unsigned)n, touched);
	for (unsigned i = 0; i < n_touched; i++) {
		struct flow *flow = touched[i];

		batch_send(udp->batch, flow->watch.fd, flow->first,
			   flow->connected ? NULL : &l->child, NULL, &flow->segments);
		flow->first = -1;
		touch(w, flow);
	}
}

/* Is the datagram's sender the target? Those of a connected flow always are. */
static bool is_target(const struct flow *flow, const union endpoint *sender)
{
	const struct listener *l = flow->listener;
	union endpoint proxy = l->proxy;

	if (flow->connected)
		return true;
	endpoint_set_port(&proxy, endpoint_port(&l->child));
	return endpoint_equal(sender, &l->child) || endpoint_equal(sender, &proxy);
}

void flow_event(struct worker *w, struct flow *flow)
{
	struct batch *batch = w->udp->batch;
	int first = -1, last = -1, n;

	if (flow->watch.fd < 0)
		return;
	/* ECONNREFUSED and the like are taken off the socket by being reported. */
	n = batch_receive(batch, flow->watch.fd, BATCH_DATAGRAMS);
	for (int i = 0; i < n; i++) {
		if (!is_target(flow, batch_name(batch, (unsigned)i)))
			continue;
		if (first < 0)
			first = i;
		else
			batch->next[last] = (int16_t)i;
		batch->next[i] = -1;
		last = i;
	}
	if (first < 0)
		return;
	batch_send(batch, flow->listener->watch.fd, first, &flow->client,
		   flow->listener->wildcard ? &flow->local : NULL, &flow->listener->segments);
	touch(w, flow);
}

int udp_adopt(struct worker *w, struct listener *l)
{
	struct udp *udp;

	(void)l;
	if (w->udp)
		return 0;
	udp = calloc(1, sizeof(*udp));
	if (!udp)
		return -ENOMEM;
	udp->batch = batch_new();
	if (!udp->batch) {
		free(udp);
		return -ENOMEM;
	}
	/* 16 bytes of the kernel's randomness (man 3 getauxval): slots cannot be aimed at. */
	memcpy(&udp->seed, (const void *)getauxval(AT_RANDOM), sizeof(udp->seed));
	list_init(&udp->lru);
	list_init(&udp->dead);
	w->udp = udp;
	return 0;
}

void udp_leave(struct worker *w, struct listener *l)
{
	struct list *next;

	if (!w->udp)
		return;
	for (struct list *at = w->udp->lru.next; at != &w->udp->lru; at = next) {
		struct flow *flow = CONTAINER(at, struct flow, lru);

		next = at->next;
		if (flow->listener == l)
			flow_close(w, flow);
	}
}

void udp_tick(struct worker *w, int64_t now_ms)
{
	struct udp *udp = w->udp;

	if (!udp)
		return;
	while (!list_empty(&udp->lru)) {
		struct flow *flow = CONTAINER(udp->lru.prev, struct flow, lru);

		if (now_ms - flow->last_ms < IDLE_MS)
			break;
		flow_close(w, flow);
	}
	if (udp->n_flows == 0) {
		free(TAKE_PTR(udp->slots));
		udp->n_slots = 0;
	}
	batch_trim(udp->batch, now_ms);
}

void udp_bury(struct worker *w)
{
	if (!w->udp)
		return;
	while (!list_empty(&w->udp->dead)) {
		struct flow *flow = CONTAINER(w->udp->dead.next, struct flow, lru);

		list_remove(&flow->lru);
		free(flow);
	}
}

bool udp_idle(const struct worker *w)
{
	return !w->udp || (w->udp->n_flows == 0 && batch_is_trimmed(w->udp->batch));
}

unsigned udp_flows(const struct worker *w)
{
	return w->udp ? (unsigned)w->udp->n_flows : 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Each client address has one flow: a socket of the child's network namespace, connected to the
 * target, so that answers find their client. Datagrams are received and sent in batches
 * (recvmmsg(2), sendmmsg(2)). Datagrams of one size to one receiver pass through the kernel as one
 * (UDP_SEGMENT, man 7 udp).
 *
 * The age of a flow is the time since its last datagram in either direction. If there are too many
 * flows, or descriptors run out, the least recently used flow is closed. A dead target
 * (ECONNREFUSED) does not end a flow: the target may be restarted.
 *
 * The target sees clients that are not on loopback with the address of the child's interface. A
 * server on the wildcard address then answers from that address, not from the loopback address that
 * we sent to. So the socket of such a flow stays unconnected, and this file checks the senders.
 */
#include "udp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "batch.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/macro.h"

#define IDLE_MS	  90000
#define SLOTS_MIN 64

struct flow {
	struct watch watch; /* the socket towards the target */
	struct udp *udp;    /* its thread's */
	bool connected, segments;
	int16_t first, last; /* its chain in the current batch; -1: none */
	struct list lru;
	struct flow *next; /* in its slot of the hash table */
	struct udp_port *port;
	int64_t last_ms;
	union endpoint client;
	struct in6_addr local; /* the address that the client sent to */
};

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

static struct flow *find(struct udp *udp, const struct udp_port *port, const union endpoint *client,
			 const struct in6_addr *local)
{
	if (udp->n_slots == 0)
		return NULL;
	for (struct flow *flow = *slot_of(udp, client); flow; flow = flow->next)
		if (flow->port == port && endpoint_equal(&flow->client, client) &&
		    IN6_ARE_ADDR_EQUAL(&flow->local, local))
			return flow;
	return NULL;
}

/* Keep chains at a length of one on average. If memory is short, chains grow instead. */
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

static void flow_close(struct flow *flow)
{
	struct udp *udp = flow->udp;
	struct flow **at = slot_of(udp, &flow->client);

	while (*at != flow)
		at = &(*at)->next;
	*at = flow->next;
	watch_remove(udp->loop, &flow->watch);
	flow->watch.fd = fd_close(flow->watch.fd);
	list_remove(&flow->lru);
	list_insert(&udp->dead, &flow->lru);
	udp->n_flows--;
	atomic_fetch_sub_explicit(&udp->limit->flows, 1, memory_order_relaxed);
}

/* Close the least recently used flow without datagrams in this batch. Returns false if there is
 * none. */
static bool make_room(struct udp *udp)
{
	for (struct list *at = udp->lru.prev; at != &udp->lru; at = at->prev) {
		struct flow *flow = CONTAINER(at, struct flow, lru);

		if (flow->first >= 0)
			continue;
		flow_close(flow);
		return true;
	}
	return false;
}

/* Bind and connect a new flow's socket. A socket with the proxy's address stays unconnected. */
static int flow_connect(struct flow *flow, const struct target *target)
{
	int rc = target_bind(target, flow->watch.fd, &flow->client);

	flow->connected = rc == SOURCE_PLAIN;
	if (rc == SOURCE_PLAIN)
		rc = target_connect(target, flow->watch.fd);
	if (rc < 0)
		target_complain(target, rc, flow->udp->loop->now_ms);
	return rc;
}

static bool too_many(struct udp_limit *limit)
{
	unsigned n = atomic_load_explicit(&limit->flows, memory_order_relaxed);

	return n >= MIN(limit->flows_max, shares_flows_max(limit->shares));
}

/* Returns the socket for a new flow, or -1. */
static int flow_socket(struct udp *udp, enum socket_kind kind)
{
	int fd;

	if (too_many(udp->limit) && !make_room(udp))
		return -1;
	if (udp->n_flows >= udp->n_slots && resize(udp, MAX(udp->n_slots * 2, SLOTS_MIN)) < 0)
		return -1;
	fd = supply_take(udp->supply, kind);
	/* This datagram is lost; for the next one there may be a descriptor. */
	if (fd < 0)
		make_room(udp);
	return fd;
}

static void flow_insert(struct udp *udp, struct flow *flow)
{
	flow->next = *slot_of(udp, &flow->client);
	*slot_of(udp, &flow->client) = flow;
	list_insert(&udp->lru, &flow->lru);
	udp->n_flows++;
	atomic_fetch_add_explicit(&udp->limit->flows, 1, memory_order_relaxed);
}

static void touch(struct flow *flow)
{
	flow->last_ms = flow->udp->loop->now_ms;
	list_remove(&flow->lru);
	list_insert(&flow->udp->lru, &flow->lru);
}

/* Did the target send the datagram? On a connected socket the kernel has checked that. */
static bool is_target(const struct flow *flow, const union endpoint *sender)
{
	const struct target *target = &flow->port->target;
	union endpoint proxy = target->proxy;

	if (flow->connected)
		return true;
	endpoint_set_port(&proxy, endpoint_port(&target->child));
	return endpoint_equal(sender, &target->child) || endpoint_equal(sender, &proxy);
}

/* watch.ready */
static void on_answer(struct watch *watch, uint32_t events)
{
	struct flow *flow = CONTAINER(watch, struct flow, watch);
	struct udp_port *port = flow->port;
	struct batch *batch = flow->udp->batch;
	int first = -1, last = -1, n;
	uint64_t sent;

	(void)events;
	/* An earlier event of the batch has closed the flow. */
	if (watch->fd < 0)
		return;
	/* An error like ECONNREFUSED is cleared from the socket when it is returned. */
	n = batch_receive(batch, watch->fd, BATCH_DATAGRAMS);
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
	sent = batch_send(batch, port->fd, first, &flow->client,
			  port->wildcard ? &flow->local : NULL, &port->segments);
	counter_add(&flow->udp->counters[port->counter].bytes[1], sent);
	touch(flow);
}

static struct flow *flow_new(struct udp *udp, struct udp_port *port, const union endpoint *client,
			     const struct in6_addr *local)
{
	int fd = flow_socket(udp, port->kind);
	struct flow *flow;

	if (fd < 0)
		return NULL;
	flow = calloc(1, sizeof(*flow));
	if (!flow) {
		fd_close(fd);
		return NULL;
	}
	flow->watch.ready = on_answer;
	flow->watch.fd = fd;
	flow->udp = udp;
	flow->port = port;
	flow->client = *client;
	flow->local = *local;
	flow->first = -1;
	flow->segments = true;
	if (flow_connect(flow, &port->target) < 0 ||
	    watch_add(udp->loop, &flow->watch, EPOLLIN) < 0) {
		fd_close(fd);
		free(flow);
		make_room(udp);
		return NULL;
	}
	flow_insert(udp, flow);
	counter_add(&udp->counters[port->counter].connections, 1);
	return flow;
}

/* Sort the @n datagrams received at @port by flow. Datagrams without a flow are lost. */
static unsigned sort(struct udp *udp, struct udp_port *port, unsigned n, struct flow **touched)
{
	unsigned n_touched = 0;

	for (unsigned i = 0; i < n; i++) {
		const union endpoint *client = batch_name(udp->batch, i);
		struct in6_addr local;
		struct flow *flow;

		batch_local(udp->batch, i, &local);
		flow = find(udp, port, client, &local);
		if (!flow)
			flow = flow_new(udp, port, client, &local);
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

bool udp_receive(struct udp *udp, struct udp_port *port)
{
	struct flow *touched[BATCH_DATAGRAMS];
	unsigned room = supply_stock(udp->supply, port->kind), n_touched;
	uint64_t sent = 0;
	int n;

	/* Each datagram may come from a new client: read only as many as there are sockets. */
	if (room == 0) {
		int fd = supply_take(udp->supply, port->kind);

		if (fd >= 0)
			supply_put_back(udp->supply, port->kind, fd);
		if (!udp->supply->scarce)
			return false;
		room = BATCH_DATAGRAMS;
	}
	n = batch_receive(udp->batch, port->fd, MIN(room, BATCH_DATAGRAMS));
	if (n <= 0)
		return true;
	n_touched = sort(udp, port, (unsigned)n, touched);
	for (unsigned i = 0; i < n_touched; i++) {
		struct flow *flow = touched[i];

		sent += batch_send(udp->batch, flow->watch.fd, flow->first,
				   flow->connected ? NULL : &port->target.child, NULL,
				   &flow->segments);
		flow->first = -1;
		touch(flow);
	}
	counter_add(&udp->counters[port->counter].bytes[0], sent);
	return true;
}

void udp_init(struct udp *udp, struct loop *loop, struct supply *supply, struct udp_limit *limit,
	      struct counter *counters)
{
	memset(udp, 0, sizeof(*udp));
	udp->loop = loop;
	udp->supply = supply;
	udp->limit = limit;
	udp->counters = counters;
	list_init(&udp->lru);
	list_init(&udp->dead);
	/* AT_RANDOM: 16 random bytes of the kernel (man 3 getauxval). A client cannot choose its
	 * slot.
	 */
	memcpy(&udp->seed, (const void *)getauxval(AT_RANDOM), sizeof(udp->seed));
}

int udp_prepare(struct udp *udp)
{
	if (!udp->batch)
		udp->batch = batch_new();
	return udp->batch ? 0 : -ENOMEM;
}

void udp_close_port(struct udp *udp, const struct udp_port *port)
{
	struct flow *flow, *next;

	LIST_EACH_SAFE (flow, next, &udp->lru, lru)
		if (flow->port == port)
			flow_close(flow);
}

void udp_tick(struct udp *udp)
{
	struct flow *oldest;

	if (!udp->batch)
		return;
	while ((oldest = LIST_LAST(&udp->lru, struct flow, lru)) &&
	       udp->loop->now_ms - oldest->last_ms >= IDLE_MS)
		flow_close(oldest);
	if (udp->n_flows == 0) {
		free(TAKE_PTR(udp->slots));
		udp->n_slots = 0;
	}
	batch_trim(udp->batch, udp->loop->now_ms);
}

void udp_free_dead(struct udp *udp)
{
	struct flow *flow;

	while ((flow = LIST_FIRST(&udp->dead, struct flow, lru))) {
		list_remove(&flow->lru);
		free(flow);
	}
}

bool udp_idle(const struct udp *udp)
{
	return !udp->batch || (udp->n_flows == 0 && batch_is_trimmed(udp->batch));
}

unsigned udp_flows(const struct udp *udp)
{
	return (unsigned)udp->n_flows;
}

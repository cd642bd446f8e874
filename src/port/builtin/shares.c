/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The unit is a connection, which has two descriptors. For each port its connections are counted,
 * or its reserve if that is more; the sum over all ports is "committed". A port may take another
 * connection while it has less than its reserve, or while less is committed than the capacity. A
 * port that is published when the capacity is used up gets its reserve nevertheless: it displaces
 * connections of the port with most.
 *
 * In a full port the sources of connections are compared. The backlog is a queue, so we see a
 * client only after the clients before it are out of the way. Each is accepted on a spare
 * descriptor. It displaces the newest connection of the source with most connections, if that
 * source still has at least as many as the client's own source afterwards. Otherwise the client
 * belongs to the source with most, or to one with nearly as many. Then it waits for a moment: if
 * connections end, it is admitted; if they only stay open, it is reset. If no source has more than
 * one connection, none could be displaced, and clients wait in the backlog.
 *
 * A displaced connection belongs to the thread that relays it, and that thread may be passing it to
 * another thread at this moment. So it is put on a list of its thread, or is detected when it
 * arrives at the other thread (share_arrive()).
 */
#include "shares.h"

#include <stdlib.h>
#include <string.h>

#include "fauxroot/base/macro.h"

/* A listener's own descriptors: its socket, and a spare one to accept with. */
#define LISTENER_DESCRIPTORS 2U

/* ---- capacity ---- */

static unsigned committed(const struct shares *s)
{
	return atomic_load_explicit(&s->committed, memory_order_relaxed);
}

static void add_committed(struct shares *s, int n)
{
	atomic_store_explicit(&s->committed, committed(s) + (unsigned)n, memory_order_relaxed);
}

/* Descriptors that UDP flows have, or that are reserved for them. */
static unsigned flows(const struct shares *s)
{
	return MAX(atomic_load_explicit(s->flows, memory_order_relaxed),
		   atomic_load_explicit(&s->udp_reserve, memory_order_relaxed));
}

/* The maximum number of connections, at least one. */
static unsigned capacity(const struct shares *s)
{
	unsigned all = s->descriptors, taken = flows(s);

	return all > taken + 2 ? (all - taken) / 2 : 1;
}

static bool has_room(const struct share *share)
{
	return share->used < share->shares->reserve ||
	       committed(share->shares) < capacity(share->shares);
}

/* Divide the descriptors again, after a port was added or removed. */
static void divide(struct shares *s)
{
	unsigned all = s->limit > s->listeners ? s->limit - s->listeners : 0, sum = 0;

	s->descriptors = all;
	/* At most half of all descriptors are reserved; the other half is the limit of flows. */
	s->reserve = MAX(1U, MIN(SHARE_RESERVE, all / 4 / MAX(s->n_tcp, 1U)));
	for (struct list *at = s->ports.next; at != &s->ports; at = at->next) {
		const struct share *share = CONTAINER(at, struct share, link);

		if (!share->udp)
			sum += MAX(share->used, s->reserve);
	}
	atomic_store_explicit(&s->committed, sum, memory_order_relaxed);
	atomic_store_explicit(&s->udp_reserve, MIN(SHARE_RESERVE_UDP * s->n_udp, all / 4),
			      memory_order_relaxed);
}

static void update_shut(struct share *share)
{
	const struct origin *most = origin_most(&share->heap);
	bool shut = share->waiter >= 0 || (!has_room(share) && most && most->count < 2);

	atomic_store_explicit(&share->shut, shut, memory_order_relaxed);
}

bool share_recheck(struct share *share)
{
	pthread_mutex_lock(&share->shares->lock);
	update_shut(share);
	pthread_mutex_unlock(&share->shares->lock);
	return !share_is_shut(share);
}

/* ---- connections ---- */

static void slot_attach(struct share *share, struct origin *source, struct share_slot *slot)
{
	slot->share = share;
	slot->source = source;
	origin_add(source, &slot->link);
	share->shares->used++;
	if (++share->used > share->shares->reserve)
		add_committed(share->shares, 1);
}

static void slot_detach(struct share_slot *slot)
{
	struct share *share = slot->share;

	if (share->used-- > share->shares->reserve)
		add_committed(share->shares, -1);
	share->shares->used--;
	origin_drop(&share->shares->origins, TAKE_PTR(slot->source), &slot->link);
}

/* Displace the newest connection of the source with most connections in @share. Returns the worker
 * to wake, or -1. */
static int displace(struct share *share)
{
	struct list *newest = origin_most(&share->heap)->connections.next;
	struct share_slot *slot = CONTAINER(newest, struct share_slot, link);
	struct shares *s = share->shares;

	slot_detach(slot);
	s->leaving++;
	if (!slot->arrived)
		return -1;
	list_insert(&s->displaced[slot->worker], &slot->link);
	return slot->worker;
}

static struct share *largest(struct shares *s)
{
	struct share *found = NULL;

	for (struct list *at = s->ports.next; at != &s->ports; at = at->next) {
		struct share *share = CONTAINER(at, struct share, link);

		if (share->used > s->reserve && (!found || share->used > found->used))
			found = share;
	}
	return found;
}

/*
 * Find the port that must lose a connection to a new one of @source.
 * @source: NULL: it has no connection in @share
 *
 * Returns NULL if there is none.
 */
static struct share *find_victim(struct share *share, const struct origin *source)
{
	const struct origin *most = origin_most(&share->heap);

	if (share->used < share->shares->reserve)
		return largest(share->shares);
	return most && most->count >= (source ? source->count : 0) + 2 ? share : NULL;
}

static enum share_answer wait_or_refuse(struct share *share, unsigned asker, int64_t now_ms)
{
	if (share->waiter < 0) {
		share->waiter = (int)asker;
		share->waits_since_ms = now_ms;
	}
	if (now_ms - share->waits_since_ms < share->wait_left_ms)
		return SHARE_WAITS;
	share->wait_left_ms = 0;
	share->waiter = -1;
	return SHARE_REFUSED;
}

static void end_wait(struct share *share, int64_t now_ms)
{
	int64_t waited = now_ms - share->waits_since_ms;

	share->waiter = -1;
	share->wait_left_ms = (int)MAX(0, share->wait_left_ms - waited);
}

static enum share_answer enter(struct share *share, const uint64_t *key, struct share_slot *slot,
			       unsigned asker, int64_t now_ms, int *ret_wake)
{
	struct shares *s = share->shares;
	struct origin *source = origin_find(&s->origins, &share->heap, key);

	if (!has_room(share) || s->used >= capacity(s)) {
		struct share *victim = find_victim(share, source);

		if (!victim && share->used > 0)
			return wait_or_refuse(share, asker, now_ms);
		/* No room even for a first connection, or too many displaced ones are still open.
		 */
		if (!victim || s->leaving >= SHARE_LEAVING_MAX)
			return SHARE_WAITS;
		*ret_wake = displace(victim);
		update_shut(victim);
	}
	/* @source is still valid: it had fewer connections than the source that lost one. */
	if (!source)
		source = origin_new(&s->origins, &share->heap, key);
	if (!source)
		return SHARE_REFUSED;
	slot_attach(share, source, slot);
	if (share->waiter == (int)asker)
		end_wait(share, now_ms);
	return SHARE_ENTERED;
}

enum share_answer share_enter(struct share *share, const union endpoint *client,
			      struct share_slot *slot, unsigned asker, unsigned worker,
			      int64_t now_ms, int *ret_wake)
{
	enum share_answer answer;
	uint64_t key[2];

	origin_key(client, key);
	slot->worker = (uint8_t)worker;
	slot->arrived = worker == asker;
	*ret_wake = -1;
	pthread_mutex_lock(&share->shares->lock);
	answer = enter(share, key, slot, asker, now_ms, ret_wake);
	update_shut(share);
	pthread_mutex_unlock(&share->shares->lock);
	return answer;
}

bool share_arrive(struct share_slot *slot, unsigned worker)
{
	struct shares *s = slot->share->shares;
	bool stays;

	pthread_mutex_lock(&s->lock);
	slot->worker = (uint8_t)worker;
	slot->arrived = true;
	stays = slot->source && !slot->share->removed;
	pthread_mutex_unlock(&s->lock);
	return stays;
}

int share_leave(struct share_slot *slot)
{
	struct share *share = slot->share;
	struct shares *s = share->shares;
	int waiter;

	pthread_mutex_lock(&s->lock);
	if (slot->source) {
		slot_detach(slot);
		share->wait_left_ms =
			MIN(SHARE_WAIT_MS, share->wait_left_ms + SHARE_WAIT_PER_END_MS);
	} else {
		list_remove(&slot->link);
		s->leaving--;
	}
	waiter = share->waiter;
	update_shut(share);
	pthread_mutex_unlock(&s->lock);
	return waiter;
}

void share_give_up(struct share *share, unsigned worker)
{
	pthread_mutex_lock(&share->shares->lock);
	if (share->waiter == (int)worker)
		share->waiter = -1;
	update_shut(share);
	pthread_mutex_unlock(&share->shares->lock);
}

struct share_slot *shares_displaced(struct shares *s, unsigned worker)
{
	struct share_slot *slot = NULL;

	pthread_mutex_lock(&s->lock);
	if (!list_empty(&s->displaced[worker])) {
		slot = CONTAINER(s->displaced[worker].next, struct share_slot, link);
		list_remove(&slot->link);
	}
	pthread_mutex_unlock(&s->lock);
	return slot;
}

/* ---- ports ---- */

static unsigned listener_descriptors(const struct share *share)
{
	return share->udp ? 1 : LISTENER_DESCRIPTORS;
}

struct share *share_open(struct shares *s, uint32_t id, unsigned listeners, bool udp)
{
	struct share *share = calloc(1, sizeof(*share)), *victim;

	if (!share)
		return NULL;
	share->shares = s;
	share->id = id;
	share->udp = udp;
	share->users = listeners;
	share->wait_left_ms = SHARE_WAIT_MS;
	share->waiter = -1;
	pthread_mutex_lock(&s->lock);
	list_insert(&s->ports, &share->link);
	*(udp ? &s->n_udp : &s->n_tcp) += 1;
	s->listeners += listeners * listener_descriptors(share);
	divide(s);
	while (s->used > capacity(s) && (victim = largest(s)))
		(void)displace(victim);
	pthread_mutex_unlock(&s->lock);
	return share;
}

void share_remove(struct share *share)
{
	pthread_mutex_lock(&share->shares->lock);
	share->removed = true;
	pthread_mutex_unlock(&share->shares->lock);
}

/* Remove one user; the caller has the lock. Returns true for the last user. */
static bool drop_user(struct share *share)
{
	struct shares *s = share->shares;

	if (--share->users > 0)
		return false;
	list_remove(&share->link);
	*(share->udp ? &s->n_udp : &s->n_tcp) -= 1;
	return true;
}

static void share_free(struct share *share)
{
	struct shares *s = share->shares;

	origin_heap_clear(&share->heap);
	free(share);
	s->closed(s->arg);
}

void share_close(struct share *share)
{
	struct shares *s = share->shares;
	bool last;

	pthread_mutex_lock(&s->lock);
	s->listeners -= listener_descriptors(share);
	last = drop_user(share);
	divide(s);
	pthread_mutex_unlock(&s->lock);
	if (last)
		share_free(share);
}

void share_ref(struct share *share)
{
	pthread_mutex_lock(&share->shares->lock);
	share->users++;
	pthread_mutex_unlock(&share->shares->lock);
}

void share_unref(struct share *share)
{
	struct shares *s = share->shares;
	bool last;

	pthread_mutex_lock(&s->lock);
	last = drop_user(share);
	if (last)
		divide(s);
	pthread_mutex_unlock(&s->lock);
	if (last)
		share_free(share);
}

void shares_init(struct shares *s, unsigned descriptors, const atomic_uint *flows_now,
		 void (*closed)(void *arg), void *arg)
{
	memset(s, 0, sizeof(*s));
	pthread_mutex_init(&s->lock, NULL);
	s->limit = descriptors;
	s->flows = flows_now;
	s->closed = closed;
	s->arg = arg;
	list_init(&s->ports);
	for (size_t i = 0; i < ARRAY_SIZE(s->displaced); i++)
		list_init(&s->displaced[i]);
	origins_init(&s->origins);
	divide(s);
}

void shares_clear(struct shares *s)
{
	origins_clear(&s->origins);
	pthread_mutex_destroy(&s->lock);
}

/* ---- for other users of descriptors ---- */

unsigned shares_flows_max(struct shares *s)
{
	unsigned reserved = atomic_load_explicit(&s->udp_reserve, memory_order_relaxed);
	unsigned taken = 2 * committed(s), all = s->descriptors;

	return MAX(reserved, all > taken ? all - taken : 0);
}

bool shares_are_tight(struct shares *s, unsigned wanted)
{
	unsigned taken = 2 * committed(s) + flows(s), all = s->descriptors;

	return all < taken + MIN(wanted, all / 4);
}

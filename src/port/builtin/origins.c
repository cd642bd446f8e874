/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Each port has a binary heap that orders its sources by their number of connections. Each source
 * knows its index in the heap, so adding or removing a connection costs a few comparisons and
 * swaps. One hash table for all ports finds sources by key. Heap and table grow with the number of
 * sources, which never exceeds the number of connections, and shrink when the last source is gone.
 */
#include "origins.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "fauxroot/base/macro.h"

#define SLOTS_MIN 64U
#define HEAP_MIN  16U

/* ---- the heap ---- */

static void put(struct origin_heap *heap, unsigned at, struct origin *source)
{
	heap->items[at] = source;
	source->at = at;
}

/* The number of connections of @source has grown: move it up. */
static void rise(struct origin *source)
{
	struct origin_heap *heap = source->heap;
	unsigned at = source->at;

	while (at > 0 && heap->items[(at - 1) / 2]->count < source->count) {
		put(heap, at, heap->items[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	put(heap, at, source);
}

/* The number of connections of @source has shrunk: move it down. */
static void sink(struct origin *source)
{
	struct origin_heap *heap = source->heap;
	unsigned at = source->at, child;

	while ((child = 2 * at + 1) < heap->n) {
		if (child + 1 < heap->n &&
		    heap->items[child + 1]->count > heap->items[child]->count)
			child++;
		if (heap->items[child]->count <= source->count)
			break;
		put(heap, at, heap->items[child]);
		at = child;
	}
	put(heap, at, source);
}

static bool heap_grow(struct origin_heap *heap)
{
	unsigned room = MAX(heap->room * 2, HEAP_MIN);
	struct origin **items;

	if (heap->n < heap->room)
		return true;
	items = realloc(heap->items, room * sizeof(struct origin *));
	if (!items)
		return false;
	heap->items = items;
	heap->room = room;
	return true;
}

static void heap_remove(struct origin *source)
{
	struct origin_heap *heap = source->heap;
	struct origin *last = heap->items[--heap->n];

	if (last != source) {
		put(heap, source->at, last);
		rise(last);
		sink(last);
	}
	if (heap->n == 0 && heap->room > HEAP_MIN)
		origin_heap_clear(heap);
}

void origin_heap_clear(struct origin_heap *heap)
{
	free(TAKE_PTR(heap->items));
	heap->room = 0;
}

/* ---- the hash table ---- */

void origin_key(const union endpoint *client, uint64_t ret_key[2])
{
	const struct in6_addr *address = &client->in6.sin6_addr;

	ret_key[0] = ret_key[1] = 0;
	if (client->sa.sa_family != AF_INET6) {
		/* Different from all IPv6 keys: only the keys of link-local addresses have a second
		 * half, and their first half is not 0. */
		ret_key[1] = UINT64_C(1) << 63 | client->in.sin_addr.s_addr;
		return;
	}
	memcpy(&ret_key[0], address, sizeof(ret_key[0]));
	if (IN6_IS_ADDR_LINKLOCAL(address))
		memcpy(&ret_key[1], (const char *)address + 8, sizeof(ret_key[1]));
}

static struct origin **slot_of(const struct origins *s, const struct origin_heap *heap,
			       const uint64_t *key)
{
	uint64_t h = s->seed ^ (uintptr_t)heap;

	h = (h ^ key[0]) * 0x9e3779b97f4a7c15;
	h ^= h >> 32;
	h = (h ^ key[1]) * 0x9e3779b97f4a7c15;
	return &s->slots[(h ^ h >> 29) & (s->n_slots - 1)];
}

struct origin *origin_find(const struct origins *s, const struct origin_heap *heap,
			   const uint64_t *key)
{
	if (s->n_slots == 0)
		return NULL;
	for (struct origin *at = *slot_of(s, heap, key); at; at = at->next)
		if (at->heap == heap && at->key[0] == key[0] && at->key[1] == key[1])
			return at;
	return NULL;
}

/* Keep chains at a length of one on average. If memory is short, chains grow instead. */
static bool slots_grow(struct origins *s)
{
	size_t n_old = s->n_slots, n = MAX(n_old * 2, SLOTS_MIN);
	struct origin **old = s->slots, **slots;

	if (s->n < n_old)
		return true;
	slots = calloc(n, sizeof(struct origin *));
	if (!slots)
		return old != NULL;
	s->slots = slots;
	s->n_slots = n;
	for (size_t i = 0; i < n_old; i++)
		for (struct origin *at = old[i], *next; at; at = next) {
			struct origin **slot = slot_of(s, at->heap, at->key);

			next = at->next;
			at->next = *slot;
			*slot = at;
		}
	free(old);
	return true;
}

struct origin *origin_new(struct origins *s, struct origin_heap *heap, const uint64_t *key)
{
	struct origin *source, **slot;

	if (!slots_grow(s) || !heap_grow(heap))
		return NULL;
	source = calloc(1, sizeof(*source));
	if (!source)
		return NULL;
	source->heap = heap;
	source->key[0] = key[0];
	source->key[1] = key[1];
	list_init(&source->connections);
	slot = slot_of(s, heap, key);
	source->next = *slot;
	*slot = source;
	s->n++;
	put(heap, heap->n++, source);
	return source;
}

static void origin_free(struct origins *s, struct origin *source)
{
	struct origin **at = slot_of(s, source->heap, source->key);

	while (*at != source)
		at = &(*at)->next;
	*at = source->next;
	heap_remove(source);
	free(source);
	if (--s->n == 0 && s->n_slots > SLOTS_MIN)
		origins_clear(s);
}

void origin_add(struct origin *source, struct list *connection)
{
	list_insert(&source->connections, connection);
	source->count++;
	rise(source);
}

void origin_drop(struct origins *s, struct origin *source, struct list *connection)
{
	list_remove(connection);
	source->count--;
	if (source->count == 0)
		origin_free(s, source);
	else
		sink(source);
}

void origins_init(struct origins *s)
{
	*s = (struct origins){.n = 0};
	memcpy(&s->seed, (const void *)getauxval(AT_RANDOM), sizeof(s->seed));
}

void origins_clear(struct origins *s)
{
	free(TAKE_PTR(s->slots));
	s->n_slots = 0;
}

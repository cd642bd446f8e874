/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the connections of published ports come from: for each port, each source with its
 * connections, found by its address and by how many it has. The caller has the lock.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "fauxroot/base/list.h"
#include "fauxroot/config/portspec.h"

struct origin_heap;

/* A source of one port. */
struct origin {
	struct origin *next; /* in its slot */
	struct origin_heap *heap;
	uint64_t key[2];
	unsigned count, at;	 /* connections; its place in the heap */
	struct list connections; /* newest first */
};

/* Those of all ports, by heap and key. */
struct origins {
	struct origin **slots;
	size_t n_slots, n; /* slots: a power of two */
	uint64_t seed;
};

/* Those of one port, the one with most connections first. */
struct origin_heap {
	struct origin **items;
	unsigned n, room;
};

/* origins_init() - with a seed that nobody can guess (man 3 getauxval: AT_RANDOM) */
void origins_init(struct origins *s);

/* origins_clear() - free the table; there are no sources any more */
void origins_clear(struct origins *s);

/*
 * origin_key() - what tells the source of @client from others
 * @client: its port does not count
 *
 * Of IPv6 the first 64 bits, because whoever has one address of them has all; of link-local ones
 * all bits.
 */
void origin_key(const union endpoint *client, uint64_t ret_key[2]);

/* origin_find() - the source of @key in @heap, or NULL */
struct origin *origin_find(const struct origins *s, const struct origin_heap *heap,
			   const uint64_t *key);

/* origin_new() - a new one, without connections as yet; NULL where memory is short */
struct origin *origin_new(struct origins *s, struct origin_heap *heap, const uint64_t *key);

/* origin_most() - the one with most connections, or NULL */
static inline struct origin *origin_most(const struct origin_heap *heap)
{
	return heap->n > 0 ? heap->items[0] : NULL;
}

/* origin_add() - @connection is its newest */
void origin_add(struct origin *source, struct list *connection);

/* origin_drop() - @connection is no more; with its last one the source is freed */
void origin_drop(struct origins *s, struct origin *source, struct list *connection);

/* origin_heap_clear() - free what an empty heap keeps */
void origin_heap_clear(struct origin_heap *heap);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sources of connections to published ports. Each port has a list of sources with their
 * connections; a source is found by its address, or as the one with most connections. The caller
 * holds the lock of struct shares.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "fauxroot/base/list.h"
#include "fauxroot/config/portspec.h"

struct origin_heap;

/* A source of one port. */
struct origin {
	struct origin *next; /* in its slot of the hash table */
	struct origin_heap *heap;
	uint64_t key[2];
	unsigned count, at;	 /* connections; index in the heap */
	struct list connections; /* newest first */
};

/* The sources of all ports: a hash table by heap and key. */
struct origins {
	struct origin **slots;
	size_t n_slots, n; /* n_slots is a power of two */
	uint64_t seed;
};

/* The sources of one port; the one with most connections is the first. */
struct origin_heap {
	struct origin **items;
	unsigned n, room;
};

/* origins_init() - an empty table with an unpredictable seed (man 3 getauxval: AT_RANDOM) */
void origins_init(struct origins *s);

/* origins_clear() - free the table; it has no sources any more */
void origins_clear(struct origins *s);

/*
 * origin_key() - the key that identifies the source of @client
 * @client: its port is ignored
 *
 * An IPv6 key has the first 64 bits of the address only, because the owner of one address in such a
 * network usually has all of them. A link-local address has all of its bits in the key.
 */
void origin_key(const union endpoint *client, uint64_t ret_key[2]);

/* origin_find() - the source of @key in @heap, or NULL */
struct origin *origin_find(const struct origins *s, const struct origin_heap *heap,
			   const uint64_t *key);

/* origin_new() - add a source without connections; NULL if memory is short */
struct origin *origin_new(struct origins *s, struct origin_heap *heap, const uint64_t *key);

/* origin_most() - the source with most connections, or NULL */
static inline struct origin *origin_most(const struct origin_heap *heap)
{
	return heap->n > 0 ? heap->items[0] : NULL;
}

/* origin_add() - add @connection as the newest of @source */
void origin_add(struct origin *source, struct list *connection);

/* origin_drop() - remove @connection; without connections @source is freed */
void origin_drop(struct origins *s, struct origin *source, struct list *connection);

/* origin_heap_clear() - free the memory of a heap without sources */
void origin_heap_clear(struct origin_heap *heap);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The counters of all ports are in one anonymous shared mapping, made before the forwarder is
 * forked. A thread of the forwarder adds to its own counters with plain stores. The launcher reads
 * them when a client of the API asks. So counting needs no message, no lock and no system call, a
 * forwarder that hangs cannot delay the answer, and the numbers stay when the forwarder is
 * replaced.
 *
 * The mapping has no descriptor, so a forwarder that was taken over cannot truncate it; reading it
 * never fails. Pages that no port uses take no memory.
 */
#include "counters.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/port/table.h"

static size_t bytes(unsigned threads)
{
	return (size_t)threads * COUNTERS_SLOTS * sizeof(struct counter);
}

int counters_open(struct counters *ret, unsigned threads, struct error *err)
{
	static const int flags = MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE;
	uint8_t *used = calloc(COUNTERS_SLOTS, 1);
	void *items;

	if (!used)
		return err_set(err, ENOMEM, "making counters for published ports");
	items = mmap(NULL, bytes(threads), PROT_READ | PROT_WRITE, flags, -1, 0);
	if (items == MAP_FAILED) {
		free(used);
		return err_set(err, errno, "making counters for published ports");
	}
	*ret = (struct counters){.items = items, .threads = threads, .used = used};
	return 0;
}

struct counter *counters_of(const struct counters *counters, unsigned thread)
{
	return counters->items + (size_t)thread * COUNTERS_SLOTS;
}

uint32_t counters_take(struct counters *counters)
{
	uint32_t slot = 1;

	while (slot < COUNTERS_SLOTS && counters->used[slot])
		slot++;
	if (slot == COUNTERS_SLOTS)
		return 0;
	counters->used[slot] = true;
	for (unsigned i = 0; i < counters->threads; i++) {
		struct counter *counter = counters_of(counters, i) + slot;

		atomic_store_explicit(&counter->connections, 0, memory_order_relaxed);
		for (unsigned k = 0; k < ARRAY_SIZE(counter->bytes); k++)
			atomic_store_explicit(&counter->bytes[k], 0, memory_order_relaxed);
	}
	return slot;
}

void counters_drop(struct counters *counters, uint32_t slot)
{
	counters->used[slot] = false;
}

void counters_read(const struct counters *counters, uint32_t slot, struct port_counters *ret)
{
	struct port_counters sum = {.connections = 0};

	for (unsigned i = 0; i < counters->threads; i++) {
		struct counter *counter = counters_of(counters, i) + slot;

		sum.connections +=
			atomic_load_explicit(&counter->connections, memory_order_relaxed);
		sum.bytes_to_child +=
			atomic_load_explicit(&counter->bytes[0], memory_order_relaxed);
		sum.bytes_from_child +=
			atomic_load_explicit(&counter->bytes[1], memory_order_relaxed);
	}
	*ret = sum;
}

void counters_close(struct counters *counters)
{
	if (counters->items)
		munmap(counters->items, bytes(counters->threads));
	free(counters->used);
	*counters = (struct counters){0};
}

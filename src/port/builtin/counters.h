/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters of published ports, in memory that the launcher and the forwarder share: see counters.c.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

struct error;
struct port_counters;

/* The number of slots; slot 0 belongs to no port. */
#define COUNTERS_SLOTS 32768U

/* The counts of one thread of the forwarder for one port. Only that thread writes them. */
struct counter {
	_Atomic uint64_t connections; /* TCP connections; with UDP, flows */
	_Atomic uint64_t bytes[2];    /* passed on: from the client, from the target */
};

/* counter_add() - add @n to a number of the calling thread's own counter */
static inline void counter_add(_Atomic uint64_t *number, uint64_t n)
{
	/* There is no other writer, so this needs no locked instruction. */
	atomic_store_explicit(number, atomic_load_explicit(number, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

/* The launcher's side. */
struct counters {
	struct counter *items; /* COUNTERS_SLOTS for each thread; NULL: not opened */
	unsigned threads;
	uint8_t *used; /* a bool for each slot */
};

/* counters_open() - share memory with later forks; 0 or -errno (man 2 mmap) */
int counters_open(struct counters *ret, unsigned threads, struct error *err);

/*
 * counters_take() - returns a slot whose counters are 0; slot 0 if none is free
 * counters_drop() - return a slot; the forwarder does not use it any more. Accepts slot 0
 */
uint32_t counters_take(struct counters *counters);
void counters_drop(struct counters *counters, uint32_t slot);

/*
 * counters_read() - the sums over all threads for @slot
 *
 * A forwarder that was taken over can write any numbers: use them for display only.
 */
void counters_read(const struct counters *counters, uint32_t slot, struct port_counters *ret);

/* counters_of() - in the forwarder: the counters of @thread, by slot */
struct counter *counters_of(const struct counters *counters, unsigned thread);

/* counters_close() - accepts counters that are all zero */
void counters_close(struct counters *counters);

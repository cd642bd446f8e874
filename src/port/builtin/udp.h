/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fauxroot/config/portspec.h"
#include "worker.h"

/* ---- batch.c: datagrams by the dozen ---- */

#define BATCH_DATAGRAMS 64U

/* Datagrams received together, with who sent them and which of our addresses they came to. */
struct batch {
	struct batch_arrays *arrays;
	char *data;		       /* DATAGRAM_BYTES each */
	int16_t next[BATCH_DATAGRAMS]; /* chains of those that go the same way; -1: the last */
	int64_t used_ms;
	bool used; /* data holds pages */
};

struct batch *batch_new(void);

/* batch_receive() - up to @max datagrams from @fd; how many came, or -errno */
int batch_receive(struct batch *batch, int fd, unsigned max);
const union endpoint *batch_name(const struct batch *batch, unsigned i);

/* batch_local() - the address datagram @i came to, IPv4-mapped; :: where the socket does not say */
void batch_local(const struct batch *batch, unsigned i, struct in6_addr *ret);

/*
 * batch_send() - send the chain of datagrams from @first on through @fd
 * @to: NULL where @fd is connected
 * @local: the address to send from, or NULL
 * @segments: try UDP_SEGMENT; cleared where this route does not take it
 *
 * What the network does not take is lost, as datagrams are.
 */
void batch_send(struct batch *batch, int fd, int first, const union endpoint *to,
		const struct in6_addr *local, bool *segments);

/* batch_trim() - give memory back that has not been used for a second */
void batch_trim(struct batch *batch, int64_t now_ms);
bool batch_is_trimmed(const struct batch *batch);

/* ---- udp.c ---- */

struct flow {
	struct watch watch;
	bool connected, segments;
	int16_t first, last; /* its chain in the batch being sent; -1: none */
	struct list lru;
	struct flow *next; /* in its slot */
	struct listener *listener;
	int64_t last_ms;
	union endpoint client;
	struct in6_addr local; /* the address that the client sent to */
};

struct udp {
	struct batch *batch;
	uint64_t seed;
	struct flow **slots;
	size_t n_slots, n_flows; /* slots: a power of two */
	struct list lru, dead;	 /* most recently used first */
};

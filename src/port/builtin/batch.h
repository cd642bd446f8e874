/* SPDX-License-Identifier: Apache-2.0 */
/* Datagrams that are received and sent together (man 2 recvmmsg, man 2 sendmmsg). */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "fauxroot/config/portspec.h"

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

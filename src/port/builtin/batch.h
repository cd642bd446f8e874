/* SPDX-License-Identifier: Apache-2.0 */
/* Datagrams that are received and sent together (man 2 recvmmsg, man 2 sendmmsg). */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "fauxroot/config/portspec.h"

#define BATCH_DATAGRAMS 64U

/* Datagrams received together, each with its sender and the local address it arrived at. */
struct batch {
	struct batch_arrays *arrays;
	char *data;		       /* DATAGRAM_BYTES each */
	int16_t next[BATCH_DATAGRAMS]; /* chains of datagrams with one destination; -1: the last */
	int64_t used_ms;	       /* the last batch_receive(), on the monotonic clock */
	bool used;		       /* the memory at data occupies pages */
};

/* batch_new() - a batch without datagrams; NULL: out of memory */
struct batch *batch_new(void);

/* batch_receive() - receive up to @max datagrams from @fd; returns their number, or -errno */
int batch_receive(struct batch *batch, int fd, unsigned max);

/* batch_name() - the sender of datagram @i */
const union endpoint *batch_name(const struct batch *batch, unsigned i);

/*
 * batch_local() - the local address that datagram @i arrived at
 * @ret: IPv4 addresses are IPv4-mapped; "::": the socket does not report it
 */
void batch_local(const struct batch *batch, unsigned i, struct in6_addr *ret);

/*
 * batch_send() - send the chain of datagrams that starts at @first through @fd
 * @to: the destination; NULL: @fd is connected
 * @local: the source address, or NULL
 * @segments: try UDP_SEGMENT; cleared if the route does not support it
 *
 * A datagram that the network refuses is lost, as UDP allows. Returns the number of bytes sent.
 */
uint64_t batch_send(struct batch *batch, int fd, int first, const union endpoint *to,
		    const struct in6_addr *local, bool *segments);

/* batch_trim() - give the kernel its memory back when it was not used for a second */
void batch_trim(struct batch *batch, int64_t now_ms);

/* batch_is_trimmed() - is there no memory that batch_trim() could give back? */
bool batch_is_trimmed(const struct batch *batch);

/* SPDX-License-Identifier: Apache-2.0 */
/* Clients that ask over UDP. See datagrams.c. */
#pragma once

#include <stdint.h>
#include <sys/socket.h>

#include "fauxroot/config/portspec.h"
#include "loop.h"
#include "queries.h"

/* The most datagrams that are received or sent with one system call. */
#define DATAGRAMS_A_CALL 16U

/* The largest datagram in such a call. Usual queries and answers are smaller. */
#define DATAGRAM_BYTES 1232U

/* Datagrams for one system call. */
struct batch {
	unsigned n;
	struct mmsghdr headers[DATAGRAMS_A_CALL];
	struct iovec parts[DATAGRAMS_A_CALL];
	union endpoint peers[DATAGRAMS_A_CALL];
	uint8_t bytes[DATAGRAMS_A_CALL][DATAGRAM_BYTES];
};

struct datagrams {
	struct watch watch;
	struct queries *queries;
	struct batch in, out;
};

/*
 * datagrams_listen() - serve the clients of socket @fd
 * @datagrams: must not move in memory
 *
 * Returns 0 or -errno.
 */
int datagrams_listen(struct datagrams *datagrams, struct queries *queries, int fd);

/* datagrams_flush() - send the answers of this turn of the loop */
void datagrams_flush(struct datagrams *datagrams);

/* SPDX-License-Identifier: Apache-2.0 */
/* UDP flows of a thread: see udp.c. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fauxroot/base/list.h"
#include "loop.h"
#include "protocol.h"
#include "shares.h"
#include "supply.h"
#include "target.h"

/* A published UDP port: the part of its listener that flows use. */
struct udp_port {
	int fd;
	enum socket_kind kind;
	struct target target;
	bool wildcard; /* datagrams tell which of our addresses they came to */
	bool segments; /* UDP_SEGMENT towards clients works, as far as is known */
};

/* How many flows there are, and may be, in all threads. */
struct udp_limit {
	atomic_uint flows;
	unsigned flows_max; /* more than that: the least recently used one makes room */
	struct shares *shares;
};

struct udp {
	struct loop *loop;
	struct supply *supply;
	struct udp_limit *limit;
	struct batch *batch; /* NULL: the thread never had a port */
	uint64_t seed;
	struct flow **slots;
	size_t n_slots, n_flows; /* slots: a power of two */
	struct list lru, dead;	 /* most recently used first */
};

/* udp_init() - no ports and no flows; @loop, @supply: the thread's */
void udp_init(struct udp *udp, struct loop *loop, struct supply *supply, struct udp_limit *limit);

/* udp_prepare() - before the first port: get memory; 0 or -ENOMEM. May be called again */
int udp_prepare(struct udp *udp);

/*
 * udp_receive() - datagrams have come at @port
 *
 * Returns false where sockets for new flows are missing: do not call it before loop.room_made.
 */
bool udp_receive(struct udp *udp, struct udp_port *port);

/* udp_close_port() - end the flows of @port */
void udp_close_port(struct udp *udp, const struct udp_port *port);

/* udp_tick() - once a second: end flows that were idle for too long, give memory back */
void udp_tick(struct udp *udp);

/* udp_bury() - free the flows that have ended, once no event of the batch can belong to them */
void udp_bury(struct udp *udp);

/* udp_idle() - is there nothing for udp_tick() to do? */
bool udp_idle(const struct udp *udp);

/* udp_flows() - how many the thread has */
unsigned udp_flows(const struct udp *udp);

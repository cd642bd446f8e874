/* SPDX-License-Identifier: Apache-2.0 */
/* The UDP flows of a thread: see udp.c. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "counters.h"
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
	uint32_t counter; /* slot of the port (counters.h) */
	bool wildcard;	  /* datagrams report the local address they arrived at */
	bool segments;	  /* UDP_SEGMENT towards clients has not failed yet */
};

/* The number of flows in all threads, and its limit. */
struct udp_limit {
	atomic_uint flows;
	unsigned flows_max; /* beyond this, the least recently used flow is closed */
	struct shares *shares;
};

struct udp {
	struct loop *loop;
	struct supply *supply;
	struct udp_limit *limit;
	struct counter *counters; /* the thread's, by slot */
	struct batch *batch;	  /* NULL: the thread never had a port */
	uint64_t seed;
	struct flow **slots;
	size_t n_slots, n_flows; /* n_slots is a power of two */
	struct list lru, dead;	 /* most recently used first */
};

/* udp_init() - start without ports and flows; @loop, @supply, @counters: the thread's */
void udp_init(struct udp *udp, struct loop *loop, struct supply *supply, struct udp_limit *limit,
	      struct counter *counters);

/* udp_prepare() - allocate memory before the first port; 0 or -ENOMEM. May be called again */
int udp_prepare(struct udp *udp);

/*
 * udp_receive() - relay the datagrams that have arrived at @port
 *
 * Returns false if no sockets for new flows are left: call it again after loop.room_made.
 */
bool udp_receive(struct udp *udp, struct udp_port *port);

/* udp_close_port() - close the flows of @port */
void udp_close_port(struct udp *udp, const struct udp_port *port);

/* udp_tick() - once a second: close flows that were idle for too long, and free memory */
void udp_tick(struct udp *udp);

/* udp_free_dead() - free closed flows; call it when no event of the batch can belong to them */
void udp_free_dead(struct udp *udp);

/* udp_idle() - is there nothing for udp_tick() to do? */
bool udp_idle(const struct udp *udp);

/* udp_flows() - the number of flows of the thread */
unsigned udp_flows(const struct udp *udp);

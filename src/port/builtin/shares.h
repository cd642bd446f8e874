/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many TCP connections a published port may have, and whose.
 *
 * Whoever opens connections and leaves them idle can take all descriptors of the forwarder. So each
 * port has a reserve of connections that no other port can take, beyond which all draw from what is
 * left in common; and in a port that can have no more, a client with few connections takes the
 * place of one with many.
 *
 * All functions may be called from any thread. Clients are counted by address: of IPv6 by the /64,
 * of which anybody has all addresses, but link-local ones one by one.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fauxroot/base/list.h"
#include "fauxroot/config/portspec.h"
#include "protocol.h"
#include "origins.h"

/* Connections that each port can have whatever others do, where the limit of descriptors allows. */
#define SHARE_RESERVE 16U

/* What keeps a UDP port in clients likewise: descriptors. */
#define SHARE_RESERVE_UDP 16U

/*
 * In a full port the client with most connections waits for one to end while the port has patience;
 * then its new connections are reset, because other clients are behind them in the backlog.
 * Patience is used up by waiting, and grows with each connection that ends.
 */
#define SHARE_PATIENCE_MS     2000
#define SHARE_PATIENCE_END_MS 10

/* So many displaced connections at most that their threads have not closed yet. */
#define SHARE_LEAVING_MAX 8U

/* The forwarder's: all ports. */
struct shares {
	pthread_mutex_t lock;
	unsigned limit, listeners; /* descriptors: all, and those that ports need by being there */
	atomic_uint descriptors;   /* the rest: two for a connection, one for a flow of UDP */
	unsigned reserve;	   /* connections of each port */
	unsigned n_tcp, n_udp;	   /* ports */
	unsigned used, leaving;	   /* connections; and those that are displaced */
	atomic_uint committed; /* of each port those it has, or its reserve where that is more */
	atomic_uint udp_reserve;
	const atomic_uint *flows; /* of UDP, as they are now */
	struct list ports, displaced[MAX_WORKERS];
	struct origins origins;
	void (*closed)(void *arg); /* a share is no more */
	void *arg;
};

/* A port's. */
struct share {
	struct list link;
	struct shares *shares;
	uint32_t id; /* of the port */
	bool udp;
	unsigned used;	/* connections */
	unsigned users; /* listeners, and connections on their way between threads */
	bool removed;
	struct origin_heap heap;
	int patience_ms;
	int waiter; /* the worker that keeps a client waiting; -1: none */
	int64_t waits_since_ms;
	atomic_bool shut; /* share_is_shut() */
};

/* A connection's place, a part of what stands for the connection. */
struct share_slot {
	struct list link; /* its source's, newest first; or those of a worker that are displaced */
	struct share *share;
	struct origin *source; /* NULL: displaced */
	uint8_t worker;
	bool settled; /* its worker has it */
};

enum share_answer {
	SHARE_ENTERED,
	SHARE_WAITS,   /* keep the client, and ask again: soon, or when woken */
	SHARE_REFUSED, /* reset it */
};

/*
 * shares_init() - before all others
 * @descriptors: what RLIMIT_NOFILE leaves for connections, flows and listeners
 * @flows: how many flows of UDP there are, one descriptor each; it must outlive @s
 * @closed: called with @arg, from any thread, when a share has lost its last user
 */
void shares_init(struct shares *s, unsigned descriptors, const atomic_uint *flows,
		 void (*closed)(void *arg), void *arg);

/* shares_clear() - free what is left; all ports are closed */
void shares_clear(struct shares *s);

/*
 * share_open() - a port is published
 * @listeners: 1 or 2, users of the share until share_close() of each
 *
 * Reserves shrink where they would take more than half of all. For what the listeners themselves
 * need, connections may be displaced: all workers are to call shares_displaced(). Returns NULL
 * where memory is short.
 */
struct share *share_open(struct shares *s, uint32_t id, unsigned listeners, bool udp);

/* share_remove() - the port is being removed: connections that arrive in a thread do not stay */
void share_remove(struct share *share);

/*
 * share_close() - one of the port's listeners is gone, and the connections of its threads
 *
 * With the last user the share is freed; shares.closed follows.
 */
void share_close(struct share *share);

/*
 * share_hold(), share_release() - a user more, while a connection is on its way between threads
 *
 * The caller is a user itself, or is one's thread. The last share_release() frees the share, as
 * share_close() does.
 */
void share_hold(struct share *share);
void share_release(struct share *share);

/*
 * share_enter() - a client of @share has been accepted: may it stay?
 * @client: its address
 * @slot: filled in with SHARE_ENTERED, and then in use until share_leave()
 * @asker: the worker that asks
 * @worker: the one that will have the connection. Where it is @asker, the slot is settled
 * @now_ms: of the monotonic clock
 * @ret_wake: a worker that is to call shares_displaced(), or -1; set with SHARE_ENTERED
 *
 * Another connection may have been displaced for it: one of the source that has most in this port,
 * or, where the port has not even its reserve, in the port that has most. A worker lets one client
 * of a port wait at a time.
 */
enum share_answer share_enter(struct share *share, const union endpoint *client,
			      struct share_slot *slot, unsigned asker, unsigned worker,
			      int64_t now_ms, int *ret_wake);

/*
 * share_settle() - @worker has the connection now, after it was handed on
 *
 * Returns false where it has been displaced meanwhile, or its port is being removed: end it, and
 * share_leave().
 */
bool share_settle(struct share_slot *slot, unsigned worker);

/*
 * share_leave() - the connection ends; before its descriptors are closed, in its worker
 *
 * Returns the worker that keeps a client of the same port waiting, which may now ask again, or -1.
 */
int share_leave(struct share_slot *slot);

/* share_give_up() - @worker keeps no client of @share waiting any more */
void share_give_up(struct share *share, unsigned worker);

/*
 * shares_displaced() - a settled connection of @worker that has been displaced; NULL: none is left
 *
 * End it, with a reset, and share_leave().
 */
struct share_slot *shares_displaced(struct shares *s, unsigned worker);

/*
 * share_is_shut() - is there no use in accepting clients now? They wait in the backlog: no source
 * has more than one connection, or one client waits already
 */
static inline bool share_is_shut(const struct share *share)
{
	return atomic_load_explicit(&share->shut, memory_order_relaxed);
}

/* share_look() - the opposite, looked at anew: other ports may have made room meanwhile */
bool share_look(struct share *share);

/* shares_flows_max() - so many flows of UDP leave the ports of TCP what is theirs */
unsigned shares_flows_max(struct shares *s);

/* shares_are_tight() - are there less descriptors left than @wanted, or than a quarter of all? */
bool shares_are_tight(struct shares *s, unsigned wanted);

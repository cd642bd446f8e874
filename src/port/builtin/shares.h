/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits on the number of TCP connections of each published port and each client.
 *
 * A client that opens connections and leaves them idle could take all descriptors of the forwarder.
 * So each port has a reserve: connections that no other port can take. All ports share the
 * connections beyond the reserves. In a full port, a client with few connections displaces a
 * connection of the client with most.
 *
 * All functions may be called from any thread. Connections are counted per client address. IPv6
 * addresses are counted per /64, because one client usually has all of its addresses; link-local
 * addresses are counted one by one.
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

/* Connections that each port can always have, if the limit of descriptors allows. */
#define SHARE_RESERVE 16U

/* The same for a UDP port: descriptors for its flows. */
#define SHARE_RESERVE_UDP 16U

/*
 * In a full port, a new connection of the client with most connections waits, because another
 * connection may end. Each port has a budget of waiting time: waiting uses it up, and each
 * connection that ends adds to it. When nothing is left, the new connection is reset, because other
 * clients are behind it in the backlog.
 */
#define SHARE_WAIT_MS	      2000
#define SHARE_WAIT_PER_END_MS 10

/* The maximum number of displaced connections that their threads have not closed yet. */
#define SHARE_LEAVING_MAX 8U

/* All ports of the forwarder. */
struct shares {
	pthread_mutex_t lock;
	unsigned limit, listeners; /* descriptors: all; the part that listeners need */
	atomic_uint descriptors;   /* the rest: two for a connection, one for a UDP flow */
	unsigned reserve;	   /* connections, for each port */
	unsigned n_tcp, n_udp;	   /* number of ports */
	unsigned used, leaving;	   /* connections; displaced connections */
	atomic_uint committed;	   /* sum over ports: connections or reserve, whichever is more */
	atomic_uint udp_reserve;
	const atomic_uint *flows; /* current number of UDP flows */
	struct list ports, displaced[MAX_WORKERS];
	struct origins origins;
	void (*closed)(void *arg); /* a share was freed */
	void *arg;
};

/* The part of one port in all connections. */
struct share {
	struct list link;
	struct shares *shares;
	uint32_t id;	  /* of the port */
	uint32_t counter; /* slot of the port (counters.h); set by the caller of share_open() */
	bool udp;
	unsigned used;	/* connections */
	unsigned users; /* references: listeners, and connections in letters between threads */
	bool removed;
	struct origin_heap heap;
	int wait_left_ms;
	int waiter; /* the worker with a waiting client; -1: none */
	int64_t waits_since_ms;
	atomic_bool shut; /* share_is_shut() */
};

/* The accounting of one connection; a member of the caller's object for the connection. */
struct share_slot {
	struct list link; /* in origin.connections, newest first; or in shares.displaced */
	struct share *share;
	struct origin *source; /* NULL: displaced */
	uint8_t worker;
	bool arrived; /* the worker owns the connection; false: it is in a letter to the worker */
};

enum share_answer {
	SHARE_ENTERED,
	SHARE_WAITS,   /* keep the client, and call again: soon, or when woken */
	SHARE_REFUSED, /* reset the client */
};

/*
 * shares_init() - start without ports
 * @descriptors: for connections, flows and listeners: a part of RLIMIT_NOFILE
 * @flows: current number of UDP flows, one descriptor each; must outlive @s
 * @closed: called with @arg, from any thread, when a share has lost its last user
 */
void shares_init(struct shares *s, unsigned descriptors, const atomic_uint *flows,
		 void (*closed)(void *arg), void *arg);

/* shares_clear() - free the memory of @s; all ports must be closed */
void shares_clear(struct shares *s);

/*
 * share_open() - create the share of a port that is being published
 * @listeners: 1…PORT_LISTENERS_MAX; each is a user of the share until its share_close()
 *
 * Reserves shrink if together they would take more than half of all connections. The listeners need
 * descriptors themselves, so this may displace connections: all workers must call
 * shares_displaced(). Returns NULL if memory is short.
 */
struct share *share_open(struct shares *s, uint32_t id, unsigned listeners, bool udp);

/* share_remove() - the port is being removed: share_arrive() refuses connections from now on */
void share_remove(struct share *share);

/*
 * share_close() - one listener of the port is closed, with its connections in all threads
 *
 * The last user frees the share; then shares.closed is called.
 */
void share_close(struct share *share);

/*
 * share_ref(), share_unref() - add or remove a user, for a connection in a letter to a thread
 *
 * The caller of share_ref() must be a user of the share, or a thread of a user. The last
 * share_unref() frees the share, as share_close() does.
 */
void share_ref(struct share *share);
void share_unref(struct share *share);

/*
 * share_enter() - decide whether an accepted client of @share may stay
 * @client: its address
 * @slot: filled in with SHARE_ENTERED, and then in use until share_leave()
 * @asker: the calling worker
 * @worker: the worker that will own the connection; if that is @asker, .arrived is set
 * @now_ms: on the monotonic clock
 * @ret_wake: a worker that must call shares_displaced(), or -1; set with SHARE_ENTERED
 *
 * It may displace another connection: one of the source with most connections in this port. If the
 * port has less than its reserve, it may take one from the port with most connections. Each worker
 * lets one client of a port wait at a time.
 */
enum share_answer share_enter(struct share *share, const union endpoint *client,
			      struct share_slot *slot, unsigned asker, unsigned worker,
			      int64_t now_ms, int *ret_wake);

/*
 * share_arrive() - @worker has received the connection from another thread
 *
 * Returns false if the connection was displaced meanwhile, or its port is being removed. Then close
 * it and call share_leave().
 */
bool share_arrive(struct share_slot *slot, unsigned worker);

/*
 * share_leave() - the connection ends
 *
 * Call it in its worker, before its descriptors are closed. Returns the worker that has a waiting
 * client of the same port and may now ask again, or -1.
 */
int share_leave(struct share_slot *slot);

/* share_give_up() - @worker has no waiting client of @share any more */
void share_give_up(struct share *share, unsigned worker);

/*
 * shares_displaced() - a displaced connection that has arrived at @worker; NULL: none is left
 *
 * Reset the connection, and call share_leave().
 */
struct share_slot *shares_displaced(struct shares *s, unsigned worker);

/*
 * share_is_shut() - should clients stay in the backlog?
 *
 * True while one client waits already, and while the port is full and no new client could displace
 * a connection, because no source has more than one.
 */
static inline bool share_is_shut(const struct share *share)
{
	return atomic_load_explicit(&share->shut, memory_order_relaxed);
}

/*
 * share_recheck() - check again whether clients may be accepted; updates share_is_shut()
 *
 * Other ports may have made room meanwhile.
 */
bool share_recheck(struct share *share);

/* shares_flows_max() - the maximum number of UDP flows, so that TCP ports keep their part */
unsigned shares_flows_max(struct shares *s);

/* shares_are_tight() - are fewer descriptors left than @wanted, or than a quarter of all? */
bool shares_are_tight(struct shares *s, unsigned wanted);

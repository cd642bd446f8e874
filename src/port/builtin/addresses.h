/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The addresses of remote clients: which published ports preserve them, and what the launcher sets
 * up for that in the child's network namespace. See source.h and tracking.h.
 */
#pragma once

#include <stdbool.h>

#include "fauxroot/port/table.h"
#include "source.h"

struct tracking;

struct addresses {
	struct source_setup setup; /* what the child's network allows */
	struct netlink route;	   /* of the child's network namespace */
	struct tracking *tracking; /* NULL: not needed yet, or refused */
	bool refused;		   /* the kernel refused connection tracking: no address is kept */
};

/* The empty value, for addresses_prepare() and addresses_clear(). */
#define ADDRESSES_NONE ((struct addresses){.route = NETLINK_NONE})

/*
 * addresses_prepare() - set up the child's network before the target runs
 * @ports: has the namespaces, the network's addresses and the options
 *
 * Logs which parts are not available. Returns 0, or -errno if it cannot enter the namespaces.
 */
int addresses_prepare(struct addresses *a, const struct ports *ports, struct error *err);

/* addresses_possible() - is it possible to keep any client's address? */
bool addresses_possible(const struct addresses *a, const struct ports *ports);

/* addresses_wanted() - should @port keep the addresses of its clients? */
bool addresses_wanted(const struct addresses *a, const struct ports *ports,
		      const struct port *port);

/* addresses_kept() - does @port keep the addresses of its clients? After addresses_track() */
bool addresses_kept(const struct addresses *a, const struct ports *ports, const struct port *port);

/* addresses_marked() - must sockets with a client's address carry SOURCE_SOCKET_MARK? */
bool addresses_marked(const struct addresses *a);

/* addresses_proxy() - the substitute source for clients without their own, by @family of the
 * target */
const union endpoint *addresses_proxy(const struct addresses *a, int family);

/*
 * addresses_track() - have the kernel route answers to real client addresses back to us
 *
 * Does the work once; later calls return 0. If the kernel refuses, that is logged and remembered,
 * and the function still returns 0. A shortage (memory, descriptors) is temporary, so it is an
 * error. Returns 0 or -errno.
 */
int addresses_track(struct addresses *a, const struct ports *ports, struct error *err);

/* addresses_supervise() - continue in the event loop of @ports; 0 or -errno */
int addresses_supervise(const struct addresses *a, const struct ports *ports, struct error *err);

/*
 * addresses_route() - add the routing rule for answers of the server of @port, if it needs one
 * addresses_unroute() - remove the rule, unless another port of the table leads to the same server
 * @port: for addresses_unroute(), its listeners are closed; it may still be in the table
 *
 * addresses_route() returns 0 or -errno; a rule that exists already is success.
 */
int addresses_route(struct addresses *a, const struct ports *ports, const struct port *port,
		    struct error *err);
void addresses_unroute(struct addresses *a, const struct ports *ports, const struct port *port);

/* addresses_clear() - close the sockets; the kernel then removes the table that they own */
void addresses_clear(struct addresses *a);

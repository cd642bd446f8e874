/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The addresses of remote clients: which published ports keep them, and what the launcher sets up
 * for that in the child's network namespace. See source.h and tracking.h.
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
	bool refused;		   /* the kernel does not track for us: no address is kept */
};

/* What addresses_clear() accepts, and addresses_prepare() fills in. */
#define ADDRESSES_NONE ((struct addresses){.route = NETLINK_NONE})

/*
 * addresses_prepare() - set up the child's network before the target runs
 * @ports: with the namespaces, the network's addresses and the options
 *
 * Logs what cannot be had. Returns 0, or -errno where the namespaces could not be entered.
 */
int addresses_prepare(struct addresses *a, const struct ports *ports, struct error *err);

/* addresses_possible() - could the address of any client be kept? */
bool addresses_possible(const struct addresses *a, const struct ports *ports);

/* addresses_wanted() - are those of the clients of @port to be kept? */
bool addresses_wanted(const struct addresses *a, const struct ports *ports,
		      const struct port *port);

/* addresses_kept() - are they? After addresses_track() */
bool addresses_kept(const struct addresses *a, const struct ports *ports, const struct port *port);

/* addresses_marked() - must the sockets for a port that keeps them carry SOURCE_SOCKET_MARK? */
bool addresses_marked(const struct addresses *a);

/* addresses_proxy() - the source of clients that cannot keep theirs, for targets of @family */
const union endpoint *addresses_proxy(const struct addresses *a, int family);

/*
 * addresses_track() - have the kernel lead answers to real addresses back, once
 *
 * Where it refuses, that is logged and remembered and no failure; a shortage is one, because it
 * passes. Returns 0 or -errno.
 */
int addresses_track(struct addresses *a, const struct ports *ports, struct error *err);

/* addresses_supervise() - go on in the event loop of @ports; 0 or -errno */
int addresses_supervise(const struct addresses *a, const struct ports *ports, struct error *err);

/*
 * addresses_lead() - a rule for the answers of the server of @port, where it needs one
 * addresses_leave() - without it, where no other port of the table leads to the same server
 * @port: of addresses_leave(): not in the table any more
 *
 * addresses_lead() returns 0 or -errno, also where the rule is there already.
 */
int addresses_lead(struct addresses *a, const struct ports *ports, const struct port *port,
		   struct error *err);
void addresses_leave(struct addresses *a, const struct ports *ports, const struct port *port);

/* addresses_clear() - what was set up in the kernel for us ends with its sockets */
void addresses_clear(struct addresses *a);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Published ports: a registry of drivers, one file or directory a driver, and the table of ports.
 *
 * The table is here, so ids and specs outlive whatever process a driver relays with: when that
 * dies, the driver starts it again with the ports of the table. All functions are for the
 * launcher's one thread.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "fauxroot/port/table.h"

struct children;

/*
 * port_net_at() - the network of a child at these addresses, without an endpoint
 * @address: in network byte order; 0.0.0.0: none known
 * @address6: NULL: none
 */
struct port_net port_net_at(struct in_addr address, const struct in6_addr *address6);

/*
 * ports_open() - the driver that @config names, and its --publish options parsed
 *
 * Touches nothing, so that a bad spec is said before anything has started. Returns 0 or -EINVAL.
 */
int ports_open(const struct config *config, int cancel_fd, struct ports *ret, struct error *err);

/*
 * ports_start() - start the driver
 * @ns, @net: must outlive it; the network is up
 *
 * Before the target runs: the driver sets up the source address inside, unwatched. Returns 0 or
 * -errno at step STEP_PORT.
 */
int ports_start(struct ports *ports, const struct ns_set *ns, const struct port_net *net,
		struct error *err);

/* ports_publish() - publish what --publish asks for; 0 or -errno at step STEP_PORT */
int ports_publish(struct ports *ports, struct error *err);

/*
 * ports_supervise() - from now on live in the event loop @base
 * @children: where the ends of the driver's processes are watched; must outlive it
 * @events: must outlive it; called with @arg
 *
 * Returns 0 or -errno.
 */
int ports_supervise(struct ports *ports, struct event_base *base, struct children *children,
		    const struct ports_events *events, void *arg, struct error *err);

/* ports_network_restarted() - the network's helper was started again; 0 or -errno */
int ports_network_restarted(struct ports *ports, struct error *err);

/*
 * ports_add() - publish @spec; it has passed portspec_check()
 * @ret: the new entry, valid until the next change of the table
 *
 * From its return on connections are accepted. Returns 0 or -errno at step STEP_PORT: -EADDRINUSE
 * (published already, or somebody else listens there), -EACCES (a privileged port), -EOPNOTSUPP (no
 * driver, or one that lacks the protocol), -EINVAL.
 *
 * From ports_supervise() on also -EINPROGRESS: the driver has begun it, or is at something else.
 * Then the same call is to be made again when ports_events.ready() was called, and from within, in
 * the order of the first calls; it returns what has come of it, or begins it.
 */
int ports_add(struct ports *ports, const struct port_spec *spec, const struct port **ret,
	      struct error *err);

/*
 * ports_try() - for --check: what ports_add() would say, without a driver that was started
 *
 * The table remembers @spec, so that a second one that conflicts with it is refused. Returns 0 or
 * -errno.
 */
int ports_try(struct ports *ports, const struct port_spec *spec, struct error *err);

/* ports_remove() - take a port back: the listener is closed when it returns. 0, -ENOENT, -errno;
 * -EINPROGRESS as ports_add() */
int ports_remove(struct ports *ports, uint32_t id, struct error *err);

/* ports_source() - "client" or "proxy", for the API; NULL without a driver */
const char *ports_source(const struct ports *ports);

/* ports_prepare_source() - for --check: find out now what is else found out with the first port for
 * remote clients, and log what is wrong */
void ports_prepare_source(struct ports *ports);

/* ports_stop() - end the driver and forget all ports; accepts PORTS_NONE */
void ports_stop(struct ports *ports);

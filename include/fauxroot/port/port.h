/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Published ports: a registry of drivers, and the table of ports.
 *
 * Each driver is one file or directory. The table belongs to this room, so ids and specs outlive
 * the processes of a driver: when such a process dies, the driver restarts it and publishes the
 * ports of the table again. Call all functions from the launcher's only thread.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "fauxroot/port/table.h"

struct children;

/*
 * port_net_at() - describe the network of a child at these addresses, without an endpoint
 * @address: in network byte order; 0.0.0.0: not known
 * @address6: NULL: not known
 */
struct port_net port_net_at(struct in_addr address, const struct in6_addr *address6);

/*
 * ports_open() - choose the driver that @config names, and check the --publish options
 * @config: must outlive @ret
 * @cancel_fd: as fd_wait(); used until ports_supervise()
 *
 * Starts nothing: an invalid spec is reported before the launch begins. Returns 0 or -EINVAL.
 */
int ports_open(const struct config *config, int cancel_fd, struct ports *ret, struct error *err);

/*
 * ports_open_host() - make a table of services of the host, the reverse of published ports
 *
 * Its driver starts its processes with the first service. The --forward-host options have been
 * checked. Parameters as ports_open(). The other functions work as for published ports.
 */
void ports_open_host(const struct config *config, int cancel_fd, struct ports *ret);

/*
 * ports_start() - start the driver
 * @ns, @net: must outlive @ports; the network is up
 *
 * Call it before the target runs, because the driver changes addresses and routes in the child's
 * network. Returns 0 or -errno at step STEP_PORT.
 */
int ports_start(struct ports *ports, const struct ns_set *ns, const struct port_net *net,
		struct error *err);

/* ports_publish() - publish the ports of --publish, or of --forward-host; 0 or -errno at step
 * STEP_PORT */
int ports_publish(struct ports *ports, struct error *err);

/*
 * ports_supervise() - continue in the event loop @base
 * @children: the table that reports exits of the driver's processes; must outlive @ports
 * @events: callbacks, called with @arg; must outlive @ports
 *
 * Returns 0 or -errno.
 */
int ports_supervise(struct ports *ports, struct event_base *base, struct children *children,
		    const struct ports_events *events, void *arg, struct error *err);

/* ports_network_restarted() - the network's helper was restarted; 0 or -errno */
int ports_network_restarted(struct ports *ports, struct error *err);

/*
 * ports_add() - publish @spec, which has passed portspec_check()
 * @ret: the new entry, valid until the next change of the table
 *
 * When it returns 0, connections are accepted. Returns 0 or -errno at step STEP_PORT: -EADDRINUSE
 * (already published, or another process listens there), -EACCES (a privileged port), -EOPNOTSUPP
 * (no driver, or the driver lacks the protocol), -EINVAL.
 *
 * After ports_supervise() it may also return -EINPROGRESS: the driver has begun the operation, or
 * is busy with another one. Then repeat the same call from within ports_events.ready(). Several
 * waiting calls are repeated in the order of the first calls. The repeated call returns the
 * result, or begins the operation.
 */
int ports_add(struct ports *ports, const struct port_spec *spec, const struct port **ret,
	      struct error *err);

/*
 * ports_try() - for --check: what ports_add() would return, without a running driver
 *
 * The table remembers @spec, so that a later spec that conflicts with it is refused. Returns 0 or
 * -errno.
 */
int ports_try(struct ports *ports, const struct port_spec *spec, struct error *err);

/*
 * ports_remove() - unpublish the port @id
 *
 * When it returns 0, the listener is closed. Returns 0, -ENOENT, or another -errno with the port
 * still in the table. May return -EINPROGRESS, like ports_add().
 */
int ports_remove(struct ports *ports, uint32_t id, struct error *err);

/*
 * ports_abandon() - remove the port @id, which no client will remove, as soon as possible
 *
 * A removal that fails is tried again, every ten seconds and with each other operation, and after a
 * restart of the network. An unknown id is ignored. Call it in the event loop.
 */
void ports_abandon(struct ports *ports, uint32_t id);

/* ports_counters() - what @port of the table has relayed; false if the driver does not know */
bool ports_counters(const struct ports *ports, const struct port *port, struct port_counters *ret);

/*
 * ports_source() - which source address targets see, for the API: "client" or "proxy"
 *
 * Returns NULL without a driver.
 */
const char *ports_source(const struct ports *ports);

/*
 * ports_prepare_source() - for --check: set up now what the first port for remote clients needs
 *
 * Logs a warning if that fails.
 */
void ports_prepare_source(struct ports *ports);

/* ports_stop() - stop the driver and forget all ports; accepts PORTS_NONE */
void ports_stop(struct ports *ports);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Published ports: a registry of drivers, one file or directory a driver, and the table of ports.
 *
 * The table is here, so ids and specs outlive whatever process a driver relays with: when that
 * dies, the driver starts it again with the ports of the table. All functions are for the
 * launcher's one thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "fauxroot/base/err.h"
#include "fauxroot/config/config.h"
#include "fauxroot/config/portspec.h"

struct children;
struct event_base;
struct ns_set;
struct ports;

/* A published port. The API shows id and spec; the rest belongs to the driver. */
struct port {
	uint32_t id;
	struct port_spec spec; /* as given; a parent port of 0 has become the one that was found */
	int listeners[2];      /* builtin: IPv4 first; -1 for none */
	uint32_t driver_id;    /* the driver's own id of the port; builtin: see destinations.c */
};

/* What the network of the child looks like from the ports' side. */
struct port_net {
	union endpoint address,
		address6;     /* of the child's interface, port 0; AF_UNSPEC: none known */
	const char *endpoint; /* socket on which the network's helper forwards ports on request;
				 NULL: there is none */
};

/*
 * port_net_at() - the network of a child at these addresses, without an endpoint
 * @address: in network byte order; 0.0.0.0: none known
 * @address6: NULL: none
 */
struct port_net port_net_at(struct in_addr address, const struct in6_addr *address6);

/* What the launcher is told from the event loop. */
struct ports_events {
	/* The ports are lost for good. */
	void (*lost)(void *arg, const struct error *err);

	/* What was answered with -EINPROGRESS can be asked again. May be NULL: nobody asks. */
	void (*ready)(void *arg);
};

/* What a driver is at that cannot be done at once. */
enum ports_work {
	PORTS_IDLE = 0,
	PORTS_ADDING,
	PORTS_REMOVING,
	PORTS_RENEWING, /* the network was restarted: all of the table once more */
};

struct port_driver {
	enum port_mode mode;
	const char *name;	   /* as in --port-driver=NAME and in the API */
	const char *const *protos; /* NULL-terminated, for the API */
	bool disallow_loopback_child_ip;
	bool by_network; /* it asks the network's helper, at port_net.endpoint */

	int (*start)(struct ports *ports, struct error *err);

	/*
	 * Make @port reachable, and fill in its parent port where that is 0. 0 or -errno. In the
	 * event loop a driver that has to wait for somebody returns -EINPROGRESS, and calls
	 * ports_finish() later; it is asked for nothing else until then. So may remove() and
	 * network_restarted().
	 */
	int (*add)(struct ports *ports, struct port *port, struct error *err);

	/*
	 * What add() would say, as far as it depends on the machine and not on a running network;
	 * nothing stays. May be NULL: the parent address is listened on for a moment.
	 */
	int (*try)(struct ports *ports, struct port *port, struct error *err);

	/* Undo add(): nobody listens when it returns, even where it fails. 0 or -errno. */
	int (*remove)(struct ports *ports, struct port *port, struct error *err);

	/* The event base is there, and ports->events. May be NULL. */
	int (*supervise)(struct ports *ports, struct error *err);

	/* The network's helper is another one now, and what was -EINPROGRESS has not been done. May
	 * be NULL. */
	int (*network_restarted)(struct ports *ports, struct error *err);

	/* Does the target see remote TCP clients' own addresses? May be NULL: no. */
	bool (*keeps_source)(const struct ports *ports);

	/* Set up now what keeps_source() depends on. May be NULL: nothing does. */
	void (*prepare_source)(struct ports *ports);

	/* End what is still there. Accepts a half-started driver. */
	void (*stop)(struct ports *ports);
};

struct ports {
	const struct port_driver *driver; /* NULL: --port-driver=none and implicit */
	const struct config *config;
	const struct ns_set *ns;
	struct port_net net;
	int cancel_fd;		   /* as fd_wait(), of a launch; -1 from ports_supervise() on */
	struct event_base *base;   /* NULL until ports_supervise() */
	struct children *children; /* as well */
	const struct ports_events *events;
	void *events_arg;
	struct port *items; /* ascending ids */
	size_t n, room;
	uint32_t last_id; /* ids are never used again */

	/* In the event loop. */
	enum ports_work work;
	struct port current;	/* the port that is being added or removed */
	struct port_spec asked; /* as it was asked for */
	struct {
		enum ports_work work; /* PORTS_IDLE: there is none */
		int rc;
		struct error err;
	} outcome;   /* of @current, until it is asked for */
	void *state; /* the driver's own */
};

#define PORTS_NONE ((struct ports){.cancel_fd = -1})

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

/*
 * ports_finish() - for drivers: what was -EINPROGRESS has been done
 * @port: for PORTS_ADDING, the port as it is now
 * @err: why it has failed; NULL: it has not
 */
void ports_finish(struct ports *ports, const struct port *port, const struct error *err);

/* ports_source() - "client" or "proxy", for the API; NULL without a driver */
const char *ports_source(const struct ports *ports);

/* ports_prepare_source() - for --check: find out now what is else found out with the first port for
 * remote clients, and log what is wrong */
void ports_prepare_source(struct ports *ports);

/* ports_stop() - end the driver and forget all ports; accepts PORTS_NONE */
void ports_stop(struct ports *ports);

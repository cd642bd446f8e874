/* SPDX-License-Identifier: Apache-2.0 */
/* What the table of published ports and the port drivers know of each other: port.h, drivers.h. */
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

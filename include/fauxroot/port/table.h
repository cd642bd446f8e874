/* SPDX-License-Identifier: Apache-2.0 */
/* The interface between the table of published ports (port.h) and the drivers (drivers.h). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "fauxroot/base/err.h"
#include "fauxroot/config/config.h"
#include "fauxroot/config/portspec.h"

struct children;
struct event;
struct event_base;
struct ns_set;
struct ports;

/* A service of the host has up to four listeners: loopback and the address for containers, of both
 * families. */
#define PORT_LISTENERS_MAX 4
#define PORT_NO_LISTENERS      \
	{                      \
		-1, -1, -1, -1 \
	}

/* A published port. The API shows id and spec; the rest belongs to the driver. */
struct port {
	uint32_t id;
	struct port_spec spec; /* as given; a parent port of 0 is replaced by the port found */
	int listeners[PORT_LISTENERS_MAX]; /* builtin: IPv4 first; -1: unused, and so are the rest
					    */
	uint32_t driver_id; /* the driver's own id of the port; builtin: see proc/destinations.c */
	uint32_t counter;   /* builtin: its slot, see counters.c */
	struct timespec since; /* when it was published; CLOCK_REALTIME */
	bool unwanted;	       /* no client will remove it: the launcher does */
	bool retry_later;      /* .unwanted, and the last removal has failed */
};

/* What a port has relayed since it was published. */
struct port_counters {
	uint64_t connections; /* TCP connections that were accepted; with UDP, client addresses */
	uint64_t bytes_to_child, bytes_from_child; /* counted when the receiver takes them */
};

/* The child's network, as the port drivers see it. */
struct port_net {
	union endpoint address,
		address6; /* of the child's interface, with port 0; AF_UNSPEC: not known */
	union endpoint host,
		host6; /* on the child's lo, for services of the host; AF_UNSPEC: none */
	union endpoint gateway, gateway6; /* of the network; with .host and .host6 */
	const char *endpoint; /* path of the socket on which the network's helper takes requests to
				 forward ports; NULL: it has none */
};

/* Callbacks to the launcher, from the event loop. */
struct ports_events {
	/* The driver has failed and does not try again. */
	void (*lost)(void *arg, const struct error *err);

	/* Repeat the calls that returned -EINPROGRESS. May be NULL: no caller waits. */
	void (*ready)(void *arg);

	/* A port was published, or is about to leave the table. May be NULL. */
	void (*published)(void *arg, const struct port *port);
	void (*removed)(void *arg, const struct port *port);
};

/* A driver's operation that continues in the event loop. */
enum ports_work {
	PORTS_IDLE = 0,
	PORTS_ADDING,
	PORTS_REMOVING,
	PORTS_RENEWING, /* the network was restarted: add all ports of the table again */
};

struct port_driver {
	enum port_mode mode;
	const char *name;	   /* as in --port-driver=NAME and in the API */
	const char *const *protos; /* NULL-terminated, for the API */
	bool disallow_loopback_child_ip;
	bool by_network; /* the network's helper forwards the ports, see port_net.endpoint */
	bool reverse;	 /* services of the host for the child: port_builtin_reverse */

	int (*start)(struct ports *ports, struct error *err);

	/*
	 * Make @port reachable, and fill in its parent port if that is 0. Returns 0 or -errno.
	 *
	 * In the event loop a driver that has to wait for another process returns -EINPROGRESS and
	 * calls ports_finish() later. Until then the driver gets no other request. remove() and
	 * network_restarted() may do the same.
	 */
	int (*add)(struct ports *ports, struct port *port, struct error *err);

	/*
	 * Check what add() needs from the machine, without a running network. Leaves nothing
	 * behind. May be NULL: port.c then opens the listeners and closes them again.
	 */
	int (*try)(struct ports *ports, struct port *port, struct error *err);

	/*
	 * Undo add(). @port is still in the table. When it returns 0, the port is not served any
	 * more; on failure it may be served, and stays in the table.
	 */
	int (*remove)(struct ports *ports, struct port *port, struct error *err);

	/* Continue in the event loop: ports->base and ports->events are set. May be NULL. */
	int (*supervise)(struct ports *ports, struct error *err);

	/* The network's helper was restarted. An operation that returned -EINPROGRESS has not
	 * taken effect. May be NULL. */
	int (*network_restarted)(struct ports *ports, struct error *err);

	/* What @port has relayed. Returns false if that is not known. May be NULL. */
	bool (*counters)(const struct ports *ports, const struct port *port,
			 struct port_counters *ret);

	/* Does the target see the addresses of remote TCP clients? May be NULL: no. */
	bool (*keeps_source)(const struct ports *ports);

	/* Set up now what keeps_source() depends on. May be NULL: it depends on nothing. */
	void (*prepare_source)(struct ports *ports);

	/* Stop the driver and free its state. Accepts a driver whose start() failed. */
	void (*stop)(struct ports *ports);
};

struct ports {
	const struct port_driver *driver; /* NULL: --port-driver=none and implicit */
	const char *name;		  /* the word of --port-driver, also if another driver
					     serves it: for the API and messages */
	const struct config *config;
	const struct ns_set *ns;
	struct port_net net;
	int cancel_fd;		   /* as fd_wait(), of a launch; -1 from ports_supervise() on */
	struct event_base *base;   /* NULL until ports_supervise() */
	struct children *children; /* NULL until ports_supervise() */
	const struct ports_events *events;
	void *events_arg;
	struct port *items; /* by ascending id */
	size_t n, room;
	uint32_t last_id; /* an id is never reused */

	/* In the event loop. */
	enum ports_work work;
	struct port current;	/* the port that is being added or removed */
	struct port_spec asked; /* its spec, as the caller passed it */
	struct {
		enum ports_work work; /* PORTS_IDLE: no outcome */
		int rc;
		struct error err;
	} outcome;	     /* of @current, until the caller repeats its call */
	struct event *retry; /* clears port.retry_later of all ports; NULL until it is needed */
	uint32_t unclaimed;  /* during .ready: id of the port that .outcome has published; 0: its
				caller has taken the outcome */
	void *state;	     /* the driver's own */
};

#define PORTS_NONE ((struct ports){.cancel_fd = -1})

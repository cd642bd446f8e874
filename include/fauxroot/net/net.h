/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The child's network: a registry of drivers, one file a driver.
 *
 * A driver says in advance what network it will give (plan: no process started, nothing touched),
 * prepares from the launcher's side what can be prepared before the child's ids are mapped, and
 * starts it while the child mounts. Whatever must happen inside the
 * child's namespaces goes through ns_run() on the pinned descriptors. A driver's helper is
 * supervised: it is started again when it dies, or its death is fatal by name, never silent.
 */
#pragma once

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/str.h"
#include "fauxroot/config/config.h"
#include "fauxroot/sys/ns.h"

struct children;
struct error;
struct event_base;
struct net;
struct net_helper_ops;

/* The network that a driver will give. Addresses in network byte order. */
struct net_plan {
	bool own_netns;	     /* a network namespace is made */
	bool detached;	     /* the child is not in it: --detach-netns; set by net_open() */
	bool configures_dns; /* resolv.conf and hosts are made for it */
	char ifname[IFNAMSIZ];
	unsigned mtu;
	unsigned prefix;
	struct in_addr address, gateway, dns;
	bool ipv6;
	struct in6_addr address6, gateway6, dns6;
};

/* What the launcher is told from the event loop. */
struct net_events {
	/* The network is lost for good. */
	void (*lost)(void *arg, const struct error *err);

	/* The helper has been started again, and knows nothing of what the one before was told. */
	void (*restarted)(void *arg);
};

struct net_driver {
	enum net_mode mode;
	const char *name;		     /* as in --net=NAME and in the API */
	const struct net_helper_ops *helper; /* for net/helper/; NULL: not by such a helper */

	/*
	 * What the socket is called on which the helper forwards ports on request; NULL: it does
	 * not. Its place is the state directory, where api.sock fits: no longer a name than that.
	 */
	const char *endpoint;

	/* Fill @ret from the options. 0 or -errno. */
	int (*plan)(const struct config *config, struct net_plan *ret, struct error *err);

	/*
	 * Look at this machine: is the helper there, what can it do? Called before the clone, so
	 * that what is missing is said before anything has started. May be NULL.
	 */
	int (*check)(struct net *net, struct error *err);

	/* For --check, where start() cannot be tried: is the helper one that would do? Also fills
	 * @version. May be NULL: that it was found is all that can be said. */
	int (*settle)(struct net *net, struct error *err);

	/*
	 * What a holder does to set up the child's network: name and run; it gets the net_plan.
	 * NULL: nothing. start() finds the first holder in net->holder, or asks net_work() for one.
	 */
	const struct ns_job *set_up;

	/* What can be done before there is a child. May be NULL: nothing. */
	int (*prepare)(struct net *net, struct error *err);

	/* Set up the child's network and start the helper; need not wait until it is ready. */
	int (*start)(struct net *net, struct error *err);

	/* Wait until the network is usable. May be NULL. */
	int (*wait_ready)(struct net *net, struct error *err);

	/* Go on in the event loop net->base. May be NULL. */
	void (*supervise)(struct net *net);

	/* Out of the event loop, and let the helpers begin to end. May be NULL: nothing to do. */
	void (*kill)(struct net *net);

	/* End what is still there. Accepts a half-started network. May be NULL. */
	void (*stop)(struct net *net);
};

/* A driver at work. The fields belong to the drivers; launch/ uses the functions below. */
struct net {
	const struct net_driver *driver;
	const struct config *config;
	struct net_plan plan;
	const struct ns_set *ns; /* set by net_start() */
	struct ns_holder holder; /* what is to do driver->set_up, or has done it; else none */
	char *endpoint;	  /* path of the driver's endpoint, where one was asked for; or NULL */
	int cancel_fd;	  /* as fd_wait() */
	char version[32]; /* the helper's, as far as it is known: "1.2.0", or "" */
	struct event_base *base;   /* NULL until net_supervise() */
	struct children *children; /* as well */
	const struct net_events *events;
	void *events_arg;
	void *state; /* the driver's own */
};

/*
 * net_open() - the driver that @config names, its plan made and the machine checked
 * @config: must outlive @ret
 * @cancel_fd: as fd_wait()
 *
 * Returns 0 or -errno at step STEP_NET (REASON_EXEC: no such helper), or STEP_OPTIONS where the
 * options make no network; nothing is left in @ret then.
 */
int net_open(const struct config *config, int cancel_fd, struct net *ret, struct error *err);

/*
 * net_settle() - for --check, in place of net_start(): is the helper one that would do?
 *
 * Returns 0 or -errno at step STEP_NET.
 */
int net_settle(struct net *net, struct error *err);

/*
 * net_offer_ports() - have the helper forward ports on request
 * @dir: where the socket for the requests is to be: absolute, canonical
 *
 * Before net_start(). From net_wait_ready() on the helper listens at net->endpoint; in which
 * language, the port driver of the same program knows. Returns 0, -EOPNOTSUPP where the network's
 * driver has no helper that forwards ports, -ENOMEM.
 */
int net_offer_ports(struct net *net, const char *dir, struct error *err);

/* net_dns() - the addresses for resolv.conf as text; 0 or -ENOMEM */
int net_dns(const struct net *net, struct strv *ret);

/*
 * net_set_up_job() - what a first holder has to be told before it is forked
 * @net: must stay where it is; the job's argument lies in it
 * @ret: for ns_hold_here()
 *
 * Returns false where the driver wants no holder.
 */
bool net_set_up_job(const struct net *net, struct ns_job *ret);

/*
 * net_prepare(), net_start(), net_wait_ready() - as the driver's; step STEP_NET
 * @ns: the middle user namespace and the child's others; must outlive @net
 * @holder: a process that waits in ns_hold_here() for this driver's job: the network's from now on;
 *	or NS_HOLDER_NONE
 *
 * One after the other. Between the first two the child is made, and between the last two the child
 * may do its own part. None needs the event loop.
 */
int net_prepare(struct net *net, struct error *err);
int net_start(struct net *net, const struct ns_set *ns, struct ns_holder holder, struct error *err);
int net_wait_ready(struct net *net, struct error *err);

/*
 * net_work() - for drivers: let a holder do driver->set_up, the one that waits or a new one
 * @deadline: as fd_wait()
 *
 * Returns 0 with the holder at rest in net->holder, whose PID a helper may be started on; or
 * -errno.
 */
int net_work(struct net *net, const struct deadline *deadline, struct error *err);

/* net_watch_holder() - forget net->holder's process when it has ended; from net_supervise() on */
void net_watch_holder(struct net *net);

/*
 * net_supervise() - from now on live in the event loop @base
 * @children: where the ends of the network's processes are watched; must outlive it
 * @events: must outlive it; called with @arg
 */
void net_supervise(struct net *net, struct event_base *base, struct children *children,
		   const struct net_events *events, void *arg);

/*
 * net_kill() - the helpers are to end, and nothing more comes from the event loop
 *
 * net_stop() follows, and waits for their end: what is done between the two costs no time.
 */
void net_kill(struct net *net);

/*
 * net_stop() - end the helpers and release everything; accepts a network that never started
 *
 * A device in the child's namespace stays until that goes.
 */
void net_stop(struct net *net);

/* net_drivers() - the registry; ends with NULL */
const struct net_driver *const *net_drivers(void);

extern const struct net_driver net_driver_host, net_driver_none;

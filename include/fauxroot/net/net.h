/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The child's network: a registry of drivers.
 *
 * First a driver plans the network: it starts no process and changes nothing. Then it prepares on
 * the launcher's side everything that needs no child. It starts the network while the child mounts.
 * Work inside the child's namespaces is done by ns_run() with the pinned descriptors. A driver's
 * helper is supervised: it is restarted each time it dies.
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

/* The network that a driver provides. Addresses are in network byte order. */
struct net_plan {
	bool own_netns;	     /* the network has a namespace of its own */
	bool detached;	     /* --detach-netns: the child is not in it; set by net_open() */
	bool configures_dns; /* resolv.conf and hosts are generated for it */
	char ifname[IFNAMSIZ];
	unsigned mtu;
	unsigned prefix;
	struct in_addr address, gateway, dns;
	bool has_host; /* @host and @host6 are put on lo, for services of the host */
	struct in_addr host;
	bool ipv6;
	struct in6_addr address6, gateway6, dns6, host6;
};

/* Notifications to the launcher, from the event loop. */
struct net_events {
	/* The helper is given up: no timer could be set. */
	void (*lost)(void *arg, const struct error *err);

	/* The network is down until restarted(), because the helper has died. May be NULL. */
	void (*down)(void *arg);

	/* The helper was restarted. It knows no port that was requested before. */
	void (*restarted)(void *arg);
};

struct net_driver {
	enum net_mode mode;
	const char *name;		     /* in --net=NAME and in the API */
	const struct net_helper_ops *helper; /* for net/helper/; NULL: it runs no helper */

	/*
	 * File name of the socket on which the helper takes requests to forward ports; NULL: the
	 * helper forwards no ports. The name must not be longer than "api.sock": only for that name
	 * the length of the state directory's path is checked.
	 */
	const char *endpoint;

	/* Fill @ret from the options. Returns 0 or -errno. */
	int (*plan)(const struct config *config, struct net_plan *ret, struct error *err);

	/*
	 * Find the helper. Called before the clone, so that a missing helper is reported before
	 * anything starts. May be NULL.
	 */
	int (*check)(struct net *net, struct error *err);

	/* For --check, if start() cannot be tried: is the helper the right program and new enough?
	 * Also fills net->version. May be NULL: then only check() is done. */
	int (*verify)(struct net *net, struct error *err);

	/*
	 * The job of a holder, which sets up the child's network. The driver fills .name and .run;
	 * the job's argument is the net_plan. NULL: nothing to set up. start() passes the job to a
	 * holder by net_set_up().
	 */
	const struct ns_job *set_up;

	/* Do the work that needs no child. May be NULL. */
	int (*prepare)(struct net *net, struct error *err);

	/* Set up the child's network and start the helper, without waiting until it is ready. */
	int (*start)(struct net *net, struct error *err);

	/* Wait until the network is usable. May be NULL. */
	int (*wait_ready)(struct net *net, struct error *err);

	/* Continue in the event loop net->base. May be NULL. */
	void (*supervise)(struct net *net);

	/* The holder has exited. Called from the event loop. May be NULL. */
	void (*holder_ended)(struct net *net);

	/* Leave the event loop and kill the helpers, without waiting. May be NULL. */
	void (*kill)(struct net *net);

	/* Reap the helpers and release everything. Accepts a half-started network. May be NULL. */
	void (*stop)(struct net *net);
};

/* A network in use. The fields belong to the drivers; launch/ uses the functions below. */
struct net {
	const struct net_driver *driver;
	const struct config *config;
	const struct net_driver *const *rest; /* drivers to use if this one fails its first start,
						 up to NULL; NULL: none */
	struct net_plan plan;
	const struct ns_set *ns; /* set by net_start() */
	struct ns_holder holder; /* of driver->set_up, waiting or done; or NS_HOLDER_NONE */
	char *endpoint;		 /* path of the helper's socket after net_offer_ports(); or NULL */
	bool names_host;	 /* there is a service of the host, so net_hosts() prints lines */
	int cancel_fd;		 /* as fd_wait() */
	char version[32];	 /* the helper's: "1.2.0"; "": not known */
	struct event_base *base; /* NULL until net_supervise() */
	struct children *children; /* NULL until net_supervise() */
	const struct net_events *events;
	void *events_arg;
	void *state; /* private to the driver */
};

/*
 * net_open() - choose the driver of --net, plan the network and find the helper
 * @config: must outlive @ret
 * @cancel_fd: as in fd_wait()
 *
 * Returns 0; -errno at step STEP_NET if the helper cannot be used (REASON_EXEC: not found); -errno
 * at step STEP_OPTIONS if the options are invalid for the driver. After an error @ret needs no
 * net_stop().
 */
int net_open(const struct config *config, int cancel_fd, struct net *ret, struct error *err);

/*
 * net_verify() - for --check, instead of net_start(): is the helper the right program and new
 * enough?
 *
 * Returns 0 or -errno at step STEP_NET.
 */
int net_verify(struct net *net, struct error *err);

/*
 * net_offer_ports() - let the helper forward ports on request
 * @dir: directory of the socket for the requests: absolute and canonical
 *
 * Call it before net_start(). The helper listens at net->endpoint once net_wait_ready() has
 * returned. The port driver of the same name knows the protocol. Returns 0; -EOPNOTSUPP if the
 * network's driver has no helper that forwards ports; -ENOMEM.
 */
int net_offer_ports(struct net *net, const char *dir, struct error *err);

/* net_dns() - append the name servers for resolv.conf to @ret as text; 0 or -ENOMEM */
int net_dns(const struct net *net, struct strv *ret);

/* net_hosts() - print lines for hosts(5) into @buf: the host's address in the command's network,
 * with the names that Docker and podman use for it; "" if there is no service of the host */
void net_hosts(const struct net *net, char *buf, size_t size);

/*
 * net_set_up_job() - the holder's job, for a holder that is forked before net_start()
 * @net: must not move: the job's argument points into it
 * @ret: for ns_hold_here()
 *
 * Returns false if the driver needs no holder.
 */
bool net_set_up_job(const struct net *net, struct ns_job *ret);

/*
 * net_prepare(), net_start(), net_wait_ready() - call the driver's functions, in this order
 * @ns: the middle user namespace and the child's other namespaces; must outlive @net
 * @holder: a process that waits in ns_hold_here() for the job of net_set_up_job(); @net takes
 *	ownership. NS_HOLDER_NONE: the driver forks one
 *
 * The child is cloned after net_prepare(). It mounts between net_start() and net_wait_ready(). None
 * of the functions needs the event loop. Each returns 0 or -errno at step STEP_NET.
 */
int net_prepare(struct net *net, struct error *err);
int net_start(struct net *net, const struct ns_set *ns, struct ns_holder holder, struct error *err);
int net_wait_ready(struct net *net, struct error *err);

/*
 * net_set_up() - for drivers: run driver->set_up in the waiting holder, or in a new one
 * @deadline: as in fd_wait()
 *
 * Returns 0 or -errno. After success the holder in net->holder sleeps in the child's network
 * namespace, and a helper can be started on its PID.
 */
int net_set_up(struct net *net, const struct deadline *deadline, struct error *err);

/* net_watch_holder() - forget net->holder's process when it exits; from net_supervise() on */
void net_watch_holder(struct net *net);

/*
 * net_supervise() - continue in the event loop @base
 * @children: the table that reaps the network's processes; must outlive @net
 * @events: must outlive @net; called with @arg
 */
void net_supervise(struct net *net, struct event_base *base, struct children *children,
		   const struct net_events *events, void *arg);

/*
 * net_kill() - kill the helpers without waiting, and leave the event loop
 *
 * net_stop() waits for the helpers. Other work between the two calls runs while they exit.
 */
void net_kill(struct net *net);

/*
 * net_stop() - stop the helpers and release everything; accepts a network that never started
 *
 * A device in the child's namespace remains until the namespace is destroyed.
 */
void net_stop(struct net *net);

/* net_drivers() - the registry of all drivers; ends with NULL */
const struct net_driver *const *net_drivers(void);

extern const struct net_driver net_driver_host, net_driver_none;

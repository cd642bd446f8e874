/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The name service: a process that relays DNS from the command's network to the host's name
 * servers.
 *
 * The launcher makes its sockets in the child's network and keeps them. The process itself starts
 * with the first query, and is restarted when it dies. All functions are for the launcher's only
 * thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "fauxroot/config/portspec.h"
#include "fauxroot/names/at.h"

struct children;
struct error;
struct event_base;
struct names;
struct ns_set;

/* Callbacks to the launcher, from the event loop. */
struct names_events {
	/* The process is given up: no timer could be set. */
	void (*lost)(void *arg, const struct error *err);
};

/* names_open() - allocate; 0 or -errno */
int names_open(struct names **ret, struct error *err);

/*
 * names_listen() - make the sockets in the child's network, before the target runs
 * @ns: the middle user namespace and the child's network; its lo is up
 * @cancel_fd: as in fd_wait()
 *
 * The sockets are on a high port, to which a table of nf_tables redirects port 53 of the addresses.
 * If the kernel refuses that, the sockets are on port 53, and this is logged at level info. Returns
 * 0 or -errno at step STEP_NET.
 */
int names_listen(struct names *names, const struct ns_set *ns, const struct names_at *at,
		 int cancel_fd, struct error *err);

/*
 * names_set_servers() - ask these name servers from now on, in this order
 * @servers: @n addresses with their ports, at most NAMES_SERVERS_MAX
 *
 * Returns 0 or -errno. After an error the service uses the servers of the previous call.
 */
int names_set_servers(struct names *names, const union endpoint *servers, size_t n,
		      struct error *err);

/*
 * names_supervise() - serve queries from now on, in the event loop @base
 * @children: the table that reports exits; must outlive @names
 * @events: called with @arg; must outlive @names
 *
 * Returns 0 or -ENOMEM.
 */
int names_supervise(struct names *names, struct event_base *base, struct children *children,
		    const struct names_events *events, void *arg, struct error *err);

/* names_stop() - stop the process, close the sockets and free @names; accepts NULL */
void names_stop(struct names *names);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The source address that the target sees: preparations in the child's network namespace before the
 * target runs. See source.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fauxroot/config/portspec.h"
#include "fauxroot/sys/netlink.h"

struct error;
struct ns_set;
struct port_net;

/* The mark of answers, the number of the routing table and the priority of its rules: "fa". */
#define SOURCE_MARK	0x6661
#define SOURCE_TABLE	0x6661
#define SOURCE_PRIORITY 0x6661

/* The mark of our sockets, if the rules recognise them by it (tracking.h). No routing rule has it.
 */
#define SOURCE_SOCKET_MARK 0x6660

enum { SOURCE_IPV4 = 0, SOURCE_IPV6, SOURCE_FAMILIES };

/* The results of the preparations, by family. */
struct source_setup {
	uint64_t netns_cookie;		       /* of the child's network namespace; 0: not known */
	union endpoint proxy[SOURCE_FAMILIES]; /* source for clients that cannot keep theirs */
	bool real[SOURCE_FAMILIES];	       /* our sockets may bind to a client's address */
	char why[160];			       /* the first failure; "": nothing failed */
};

/*
 * source_prepare() - prepare the child's network namespace
 * @ns: the child's namespaces; @cancel_fd: as fd_wait()
 * @net: the interface's addresses, if they are known
 * @transparent: real client addresses are wanted
 * @ret_route: a session of NETLINK_ROUTE in the child's network namespace
 *
 * If real addresses are not possible, .real is false in @ret; that is not an error. Returns 0, or
 * -errno if it cannot enter the namespaces.
 */
int source_prepare(const struct ns_set *ns, const struct port_net *net, bool transparent,
		   int cancel_fd, struct source_setup *ret, struct netlink *ret_route,
		   struct error *err);

/*
 * source_route_answers() - add the rule that routes answers of the server at @child by our table
 * source_unroute_answers() - remove the rule
 * @nl: the session of source_prepare()
 * @child: a loopback address with the port of a TCP server
 *
 * A rule that exists already, or does not exist any more, is success. Return 0 or -errno.
 */
int source_route_answers(struct netlink *nl, const union endpoint *child, struct error *err);
int source_unroute_answers(struct netlink *nl, const union endpoint *child, struct error *err);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose address the target sees: the preparations in the child's network namespace, done before the
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

/* The mark of answers, the number of the routing table, the priority of its rules: 'f', 'a'. */
#define SOURCE_MARK	0x6661
#define SOURCE_TABLE	0x6661
#define SOURCE_PRIORITY 0x6661

/* The mark of our sockets, where connections are known by it (tracking.h): no rule has it. */
#define SOURCE_SOCKET_MARK 0x6660

enum { SOURCE_IPV4 = 0, SOURCE_IPV6, SOURCE_FAMILIES };

/* What could be prepared, by family. */
struct source_setup {
	uint64_t netns_cookie; /* of the child's network namespace; 0: this kernel does not say */
	union endpoint proxy[SOURCE_FAMILIES]; /* the source of those who cannot keep theirs */
	bool real[SOURCE_FAMILIES];	       /* our sockets may take a client's address */
	char why[160];			       /* what failed first; "" where nothing did */
};

/*
 * source_prepare() - in the child's namespaces
 * @net: the interface's addresses where they are known
 * @transparent: real client addresses are wanted
 * @ret_route: a session of NETLINK_ROUTE in the child's network namespace
 *
 * What cannot be had is false in @ret, and no error. Returns 0, or -errno where the namespaces
 * could not be entered.
 */
int source_prepare(const struct ns_set *ns, const struct port_net *net, bool transparent,
		   int cancel_fd, struct source_setup *ret, struct netlink *ret_route,
		   struct error *err);

/*
 * source_lead_answers(), source_leave_answers() - have the answers of the TCP server at @child, a
 * loopback address, looked up in the table; no longer
 * @nl: of source_prepare()
 *
 * A rule that is there already, or is not there, is as good. Return 0 or -errno.
 */
int source_lead_answers(struct netlink *nl, const union endpoint *child, struct error *err);
int source_leave_answers(struct netlink *nl, const union endpoint *child, struct error *err);

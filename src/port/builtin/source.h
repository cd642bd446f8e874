/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose address the target sees: the preparations in the child's network namespace, done before the
 * target runs. See source.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fauxroot/config/portspec.h"

struct error;
struct ns_set;
struct port_net;

/* The mark of sockets and the number of the routing table: 'f', 'a'. */
#define SOURCE_MARK  0x6661
#define SOURCE_TABLE 0x6661

enum { SOURCE_IPV4 = 0, SOURCE_IPV6, SOURCE_FAMILIES };

/* What could be prepared, by family. */
struct source_setup {
	uint64_t netns_cookie; /* of the child's network namespace; 0: this kernel does not say */
	union endpoint proxy[SOURCE_FAMILIES]; /* the source of those who cannot keep theirs */
	bool loopback[SOURCE_FAMILIES];	       /* towards loopback, real sources find back */
	bool mark[SOURCE_FAMILIES];	       /* answers with the mark find back */
	bool accept;			       /* accepted sockets take over the mark */
	char why[160];			       /* what failed first; "" where nothing did */
};

/*
 * source_prepare() - in the child's namespaces
 * @net: the interface's addresses where they are known
 * @transparent: real client addresses are wanted
 *
 * What cannot be had is false in @ret, and no error. Returns 0, or -errno where the namespaces
 * could not be entered.
 */
int source_prepare(const struct ns_set *ns, const struct port_net *net, bool transparent,
		   int cancel_fd, struct source_setup *ret, struct error *err);

/*
 * source_prepare_tracking() - lead answers from other addresses than loopback back by nftables
 *
 * With nft(8) of the child's mount namespace, where nothing of ours is in the target's reach. Turns
 * connection tracking on, so it is done when the first port is published that may need it. 0 or
 * -errno.
 */
int source_prepare_tracking(const struct ns_set *ns, int cancel_fd, struct error *err);

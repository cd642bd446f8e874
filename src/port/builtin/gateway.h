/* SPDX-License-Identifier: Apache-2.0 */
/* Services of the host at the gateway's address: see gateway.c. */
#pragma once

#include <netinet/in.h>

#include "fauxroot/sys/netlink.h"

struct error;
struct ns_set;
struct port;
struct ports;

struct gateway {
	struct netlink nl; /* owns the table; fd -1: there is none */
};

#define GATEWAY_NONE ((struct gateway){NETLINK_NONE})

/*
 * gateway_open() - make the table in the network of @ns
 * @cancel_fd: as in fd_wait()
 *
 * Returns 0 or -errno: without nf_tables the services are at their other addresses only.
 */
int gateway_open(struct gateway *gateway, const struct ns_set *ns, int cancel_fd,
		 struct error *err);

/*
 * gateway_add() - lead the gateway's address to the address for containers for the service @port
 * gateway_renew() - after a removal: the same for the remaining services of @ports
 *
 * A service with a child IP is not there. Both do nothing without a table. Return 0 or -errno.
 */
int gateway_add(struct gateway *gateway, const struct ports *ports, const struct port *port,
		struct error *err);
int gateway_renew(struct gateway *gateway, const struct ports *ports, struct error *err);

/* gateway_close() - remove the table; accepts GATEWAY_NONE */
void gateway_close(struct gateway *gateway);

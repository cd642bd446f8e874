/* SPDX-License-Identifier: Apache-2.0 */
/* Services of the host at the gateway's address: see gateway.c. */
#pragma once

#include <netinet/in.h>

#include "fauxroot/proc/kept_table.h"

struct error;
struct event_base;
struct port;
struct ports;

struct gateway {
	struct kept_table table;
	const struct ports *ports; /* the services */
};

#define GATEWAY_NONE ((struct gateway){.table = KEPT_TABLE_NONE})

/*
 * gateway_open() - make the table in the network of @ports; it is restored if the command removes
 * it
 * @ports: must outlive it
 *
 * Returns 0 or -errno: without nf_tables the services are at their other addresses only.
 */
int gateway_open(struct gateway *gateway, const struct ports *ports, struct error *err);

/* gateway_supervise() - restore the table from now on, in the event loop @base; 0 or -errno */
int gateway_supervise(struct gateway *gateway, struct event_base *base, struct error *err);

/*
 * gateway_redirect() - redirect the gateway's address to the address for containers
 * @added: the new service; NULL: a service was removed, set up all services of @ports again
 *
 * Services with a child IP are not redirected. Does nothing without a table. A failure is logged:
 * the services stay reachable at their other addresses.
 */
void gateway_redirect(struct gateway *gateway, const struct ports *ports, const struct port *added);

/* gateway_close() - close the sockets; the table disappears with the network. Accepts
 * GATEWAY_NONE */
void gateway_close(struct gateway *gateway);

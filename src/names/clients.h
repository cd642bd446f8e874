/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients, by address, and how many queries and connections each has. The relay can hold a bounded
 * number of queries. When it is full, a query of a client that has fewer than others takes the
 * place of the oldest query of the client that has most: a flood from one address displaces only
 * itself. No system calls.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "fauxroot/base/list.h"
#include "fauxroot/config/portspec.h"

struct client {
	struct list link;
	struct list queries;	/* of the owner: the oldest first */
	union endpoint address; /* the port is 0 */
	unsigned n_queries, n_streams;
};

struct clients {
	struct list items;
};

void clients_init(struct clients *clients);

/* clients_find() - the client at @address, of any port; a new one if there is none; NULL: out of
 * memory */
struct client *clients_find(struct clients *clients, const union endpoint *address);

/* clients_greediest() - the client with most queries; NULL: there is none */
struct client *clients_greediest(const struct clients *clients);

/* clients_release() - free @client if it has no queries and no streams */
void clients_release(struct client *client);

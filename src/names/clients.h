/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients, by address, and how many queries and connections each has. The number of queries is
 * limited. At the limit, a new query of a client with few queries displaces the oldest query of the
 * client with the most queries: a flood from one address displaces only its own queries. No system
 * calls.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "fauxroot/base/list.h"
#include "fauxroot/config/portspec.h"

struct client {
	struct list link;
	struct list queries;	/* struct query, the oldest first; filled by queries.c */
	union endpoint address; /* the port is 0 */
	unsigned n_queries, n_streams;
};

struct clients {
	struct list items;
};

/* clients_init() - initialize an empty list */
void clients_init(struct clients *clients);

/* clients_find() - the client at @address, of any port; a new one if there is none; NULL: out of
 * memory */
struct client *clients_find(struct clients *clients, const union endpoint *address);

/* clients_busiest() - the client with the most queries; NULL: there is none */
struct client *clients_busiest(const struct clients *clients);

/* clients_release() - free @client if it has no queries and no streams */
void clients_release(struct client *client);

/* SPDX-License-Identifier: Apache-2.0 */
/* Queries of clients, from their arrival to their answer. See queries.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "attempts.h"
#include "clients.h"
#include "loop.h"
#include "message.h"
#include "servers.h"
#include "sources.h"

/* The most queries at a time. */
#define QUERIES_MAX 1024U

/* If no server has answered a query after this time, the client gets SERVFAIL. */
#define QUERY_LIFE_MS 10000

struct queries {
	struct loop *loop;
	struct servers *servers;
	struct clients *clients;
	struct sources sources;
	struct list all; /* the oldest first */
	unsigned n;
	unsigned max;		       /* QUERIES_MAX, or less if the limit of descriptors is low */
	uint8_t buffer[DNS_MAX_BYTES]; /* for a received datagram */
};

struct query {
	struct list link, of_client;
	struct queries *queries;
	struct client *client;
	/* Send an answer to the client; @p NULL: there is none. The query is freed afterwards. */
	void (*answer)(struct query *query, const uint8_t *p, size_t size);
	void *asker; /* the object that asks, for @answer and queries_cancel() */
	union endpoint from;
	bool stream; /* the client asks over TCP, so servers are asked over TCP */
	uint16_t client_id, udp_bytes;
	int64_t born_ms;     /* time of its arrival */
	int64_t next_ms;     /* time to ask the next server */
	unsigned rounds;     /* how many times all servers were asked */
	unsigned generation; /* of the servers in @asked */
	uint32_t asked;	     /* the servers that were asked: see servers_next() */
	struct list tries;   /* struct attempt */
	uint8_t *failure;    /* the first answer that is a failure; NULL: none */
	size_t failure_size;
	struct question question;
	uint8_t bytes[]; /* of @question */
};

/* queries_init() - an empty table */
void queries_init(struct queries *queries, struct loop *loop, struct servers *servers,
		  struct clients *clients, unsigned max);

/* The arguments of queries_ask(): see struct query. */
struct query_spec {
	struct client *client;
	const union endpoint *from;
	void (*answer)(struct query *query, const uint8_t *p, size_t size);
	void *asker;
	bool stream;
	const struct dns_query *read; /* from dns_read_query(), with result 0 */
	const uint8_t *p;
	size_t size;
};

/*
 * queries_ask() - relay a query
 *
 * query.answer() may be called before this returns. Returns 0, or -errno if the query is dropped:
 * -ENOMEM, -ENOBUFS (there are too many, and it displaces none: see clients.h).
 */
int queries_ask(struct queries *queries, const struct query_spec *spec);

/* queries_cancel() - forget all queries of @asker */
void queries_cancel(struct queries *queries, const void *asker);

/* queries_tick() - ask further servers, and answer queries whose time is over; call it several
 * times a second while there are queries */
void queries_tick(struct queries *queries);

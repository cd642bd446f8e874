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

/* A query that has no answer after this time gets SERVFAIL. */
#define QUERY_LIFE_MS 10000

struct queries {
	struct loop *loop;
	struct servers *servers;
	struct clients *clients;
	struct sources sources;
	struct list all; /* the oldest first */
	unsigned n;
	unsigned max;		       /* QUERIES_MAX, or less where descriptors are few */
	uint8_t buffer[DNS_MAX_BYTES]; /* for a datagram */
};

struct query {
	struct list link, of_client;
	struct queries *queries;
	struct client *client;
	/* Send an answer to the client; @p NULL: there is none. The query is freed afterwards. */
	void (*answer)(struct query *query, const uint8_t *p, size_t size);
	void *asker; /* the caller's */
	union endpoint from;
	bool stream; /* the client asks over TCP, so servers are asked over TCP */
	uint16_t client_id, udp_bytes;
	int64_t born_ms, next_ms;
	unsigned rounds, generation;
	uint32_t asked;	   /* servers: see servers_next() */
	struct list tries; /* struct attempt */
	uint8_t *failure;  /* the first answer that is a failure; NULL: none */
	size_t failure_size;
	struct question question;
	uint8_t bytes[]; /* of @question */
};

/* queries_init() - an empty table */
void queries_init(struct queries *queries, struct loop *loop, struct servers *servers,
		  struct clients *clients, unsigned max);

/* What queries_ask() needs to know about a query. */
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
 * The answer may come before it returns. Returns 0, or -errno if the query is dropped: -ENOMEM,
 * -ENOBUFS (too many, and this client has more than others).
 */
int queries_ask(struct queries *queries, const struct query_spec *spec);

/* queries_cancel() - forget all queries of @asker */
void queries_cancel(struct queries *queries, const void *asker);

/* queries_tick() - several times a second while there are queries: ask other servers, give up */
void queries_tick(struct queries *queries);

/* SPDX-License-Identifier: Apache-2.0 */
/* The clients of GET /v1/events: see events.c. */
#pragma once

#include <stdbool.h>

#include "fauxroot/base/list.h"

/* The maximum number of clients, and of bytes that a client may be late. */
#define EVENTS_CLIENTS 16U
#define EVENTS_BACKLOG (64U << 10)

struct connection;
struct event_base;
struct evhttp_request;

struct events {
	struct event_base *base;
	struct list clients;
	unsigned n;
	unsigned last_line_ms; /* for a client that reads too slowly, to take its last line */
};

/* events_init() - start without clients; @last_line_ms: time for a slow client to take its last
 * line */
void events_init(struct events *events, struct event_base *base, unsigned last_line_ms);

/* events_has_room() - is one more client possible? Forgets clients that have closed their
 * connection. */
bool events_has_room(struct events *events);

/*
 * events_subscribe() - from now on, @http's client gets the lines of events_send()
 * @first: the first line; the caller keeps it
 *
 * evhttp gets no answer to @http, which stays open until the connection is closed. Returns 0, or
 * -ENOMEM with nothing changed.
 */
int events_subscribe(struct events *events, struct evhttp_request *http, struct connection *conn,
		     const char *first);

/* events_send() - send @line, which ends in a newline, to all clients; never blocks */
void events_send(struct events *events, const char *line);

/* events_clear() - forget all clients; evhttp closes their connections. Accepts a struct that is
 * all zero */
void events_clear(struct events *events);

/* SPDX-License-Identifier: Apache-2.0 */
/* The gate of the REST server: how many connections may be open, and which one makes room. */
#pragma once

#include <stdbool.h>
#include <sys/queue.h>

#include "limits.h"

struct connection;
struct evconnlistener;
struct event;
struct event_base;

TAILQ_HEAD(connection_list, connection);

/* connection.c keeps the lists and the number. */
struct gate {
	struct api_limits limits;
	struct evconnlistener *listener; /* evhttp's: lets one in each time it is enabled */
	struct event *knock;		 /* somebody waits in the listening socket's queue */
	struct event *pause;		 /* out of descriptors: try again later */
	struct event *ripe;		 /* a fresh connection's time is over */
	bool warned;			 /* of that */
	unsigned n;			 /* in all lists */
	struct connection_list fresh;	 /* no byte has come yet; the oldest first */
	struct connection_list idle;	 /* between requests; the longest idle first */
	struct connection_list busy;	 /* within a request, or about to close */
};

/*
 * gate_init() - watch the listening socket
 * @listener: on that socket and disabled; it belongs to evhttp
 *
 * Returns 0 or -ENOMEM.
 */
int gate_init(struct gate *gate, struct event_base *base, struct evconnlistener *listener,
	      const struct api_limits *limits);

/* gate_clear() - let go of the listener and of all connections; accepts a gate that is all zero */
void gate_clear(struct gate *gate);

/* gate_entered() - a connection has been accepted: no further one without asking */
void gate_entered(struct gate *gate);

/* gate_review() - a connection has become idle: is there room now? */
void gate_review(struct gate *gate);

/* gate_left() - a connection and its descriptor have gone */
void gate_left(struct gate *gate);

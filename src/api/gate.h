/* SPDX-License-Identifier: Apache-2.0 */
/* The gate of the REST server: how many connections may be open, and which one makes room. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fauxroot/base/list.h"
#include "limits.h"

struct evconnlistener;
struct event;
struct event_base;
struct gate_member;

/* Where a connection stands; each has a list of the gate, the one that came first in front. */
enum gate_place {
	GATE_BUSY,  /* within a request, or about to close */
	GATE_IDLE,  /* between requests */
	GATE_FRESH, /* no byte has come yet */
	GATE_PLACES
};

/* What the gate does with a connection. */
struct gate_ops {
	/* Have bytes come that nobody has read yet? */
	bool (*has_input)(const struct gate_member *member);
	/* Shut it down; gate_leave() follows some time later. */
	void (*cut)(struct gate_member *member);
	/* The gate goes, and the connection has none any more. */
	void (*orphan)(struct gate_member *member);
};

/* A connection as the gate knows it: a part of what stands for the connection. */
struct gate_member {
	struct list link;
	struct gate *gate; /* NULL: never let in, or the gate has gone */
	enum gate_place place;
	int64_t since_ms; /* let in */
};

struct gate {
	struct api_limits limits;
	const struct gate_ops *ops;
	struct evconnlistener *listener; /* evhttp's: lets one in each time it is enabled */
	struct event *knock;		 /* somebody waits in the listening socket's queue */
	struct event *pause;		 /* out of descriptors: try again later */
	struct event *ripe;		 /* a fresh connection's time is over */
	bool warned;			 /* of that */
	unsigned n;			 /* in all lists */
	struct list members[GATE_PLACES];
};

/*
 * gate_init() - watch the listening socket
 * @listener: on that socket and disabled; it belongs to evhttp
 * @ops: of all connections
 *
 * Returns 0 or -ENOMEM.
 */
int gate_init(struct gate *gate, struct event_base *base, struct evconnlistener *listener,
	      const struct api_limits *limits, const struct gate_ops *ops);

/* gate_clear() - let go of the listener and of all connections; accepts a gate that is all zero */
void gate_clear(struct gate *gate);

/* gate_accepted() - a connection has been accepted: no further one without asking */
void gate_accepted(struct gate *gate);

/* gate_enter() - the connection of @member is fresh; until gate_leave() or gate_ops.orphan */
void gate_enter(struct gate *gate, struct gate_member *member);

/* gate_move() - to the end of the list of @place, if it is not in that; without a gate it has none
 */
void gate_move(struct gate_member *member, enum gate_place place);

/* gate_review() - a connection has become idle: is there room now? */
void gate_review(struct gate *gate);

/* gate_leave() - the connection and its descriptor have gone */
void gate_leave(struct gate_member *member);

/* gate_find() - the first member for which @is says so; NULL: there is none */
struct gate_member *gate_find(struct gate *gate,
			      bool (*is)(const struct gate_member *member, const void *arg),
			      const void *arg);

/* SPDX-License-Identifier: Apache-2.0 */
/* The gate of the REST server: how many connections may be open, and which one makes room. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fauxroot/base/list.h"
#include "fauxroot/sys/nudge.h"
#include "limits.h"

struct evconnlistener;
struct event;
struct event_base;
struct gate_member;

/* The state of a connection. The gate has a list for each state, the oldest member first. */
enum gate_state {
	GATE_BUSY,  /* within a request, or about to close */
	GATE_IDLE,  /* between requests */
	GATE_FRESH, /* no byte has arrived yet */
	GATE_STATES
};

/* The gate's operations on a connection. */
struct gate_ops {
	/* Has the socket bytes that are not read yet? */
	bool (*has_input)(const struct gate_member *member);
	/* Shut the connection down; gate_leave() follows some time later. */
	void (*shut_down)(struct gate_member *member);
	/* The gate is being cleared: the connection has no gate from now on. */
	void (*orphan)(struct gate_member *member);
};

/* The gate's data of one connection: a member of struct connection. */
struct gate_member {
	struct list link;
	struct gate *gate; /* NULL: not entered yet, or the gate was cleared */
	enum gate_state state;
	int64_t since_ms; /* time of gate_enter() */
};

struct gate {
	struct api_limits limits;
	const struct gate_ops *ops;
	struct evconnlistener *listener; /* evhttp's: accepts one connection when it is enabled */
	struct event *pending;		 /* a client waits in the listen queue */
	struct event *retry;		 /* out of descriptors: try again later */
	bool warned;			 /* about missing descriptors */
	struct event *overdue;		 /* the oldest fresh connection's time is over */
	struct event *beat;		 /* while connections can bring descriptors */
	struct nudge nudge;		 /* at work when the event loop does not reach @beat */
	unsigned n;			 /* connections in all lists */
	struct list members[GATE_STATES];
};

/*
 * gate_init() - watch the listening socket
 * @listener: evhttp's listener on that socket, disabled
 * @ops: the operations on all connections
 *
 * Returns 0 or -ENOMEM.
 */
int gate_init(struct gate *gate, struct event_base *base, struct evconnlistener *listener,
	      const struct api_limits *limits, const struct gate_ops *ops);

/* gate_clear() - release the listener and all connections; accepts a gate that is all zero */
void gate_clear(struct gate *gate);

/* gate_accepted() - evhttp has accepted a connection: disable the listener again */
void gate_accepted(struct gate *gate);

/* gate_enter() - add @member as fresh; it stays until gate_leave() or gate_ops.orphan */
void gate_enter(struct gate *gate, struct gate_member *member);

/* gate_move() - set the state: move @member to the end of that list, unless it is in it already.
 * Does nothing without a gate. */
void gate_move(struct gate_member *member, enum gate_state state);

/* gate_review() - a connection has become idle: check again for room */
void gate_review(struct gate *gate);

/* gate_leave() - remove @member; its connection and descriptor are closed */
void gate_leave(struct gate_member *member);

/* gate_find() - the first member for which @is returns true; NULL: there is none */
struct gate_member *gate_find(struct gate *gate,
			      bool (*is)(const struct gate_member *member, const void *arg),
			      const void *arg);

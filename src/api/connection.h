/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connections of the REST server and their bounds in number and time, which evhttp has not.
 */
#pragma once

#include <stdbool.h>
#include <sys/queue.h>

#include "server_limits.h"

struct bufferevent;
struct evconnlistener;
struct event;
struct event_base;

struct connection;
TAILQ_HEAD(connection_list, connection);

/* Where connections come in, and those that are open. */
struct connection_set {
	struct api_limits limits;
	struct evconnlistener *listener; /* evhttp's: lets one in each time it is enabled */
	struct event *knock;		 /* somebody waits in the listening socket's queue */
	struct event *pause;		 /* out of descriptors: try again later */
	bool paused;
	unsigned n;		     /* in both lists */
	struct connection_list idle; /* between requests; the longest idle first */
	struct connection_list busy; /* within a request, or about to close */
};

/*
 * connection_set_init() - watch the listening socket
 * @listener: on that socket and disabled; belongs to evhttp
 *
 * Returns 0 or -ENOMEM.
 */
int connection_set_init(struct connection_set *set, struct event_base *base,
			struct evconnlistener *listener, const struct api_limits *limits);

/*
 * connection_set_clear() - let go of the listener and of connections that libevent frees later
 *
 * Accepts a set that is all zero.
 */
void connection_set_clear(struct connection_set *set);

/* connection_new() - the callback of evhttp_set_bevcb(); @arg is the set */
struct bufferevent *connection_new(struct event_base *base, void *arg);

/* connection_find() - the connection behind evhttp's bufferevent; NULL where there is none */
struct connection *connection_find(struct connection_set *set, const struct bufferevent *bev);

/*
 * connection_answer_begin(), connection_answer_end() - around evhttp_send_reply()
 *
 * What evhttp writes in between goes out as one piece at the end, after which the connection may be
 * gone. What evhttp writes outside is a page of its own, which is replaced by JSON.
 */
void connection_answer_begin(struct connection *conn);
void connection_answer_end(struct connection *conn);

/* connection_answered() - the answer has left: the connection is idle */
void connection_answered(struct connection *conn);

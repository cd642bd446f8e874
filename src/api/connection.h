/* SPDX-License-Identifier: Apache-2.0 */
/* A connection of the REST server: the time limits and credential checks that evhttp lacks. */
#pragma once

#include <stdbool.h>

struct bufferevent;
struct connection;
struct event_base;
struct gate;
struct gate_ops;

/* The gate's operations on connections: for gate_init() */
extern const struct gate_ops connection_gate_ops;

/* connection_new() - the callback of evhttp_set_bevcb(); @arg is the gate. NULL: out of memory */
struct bufferevent *connection_new(struct event_base *base, void *arg);

/* connection_find() - the connection of evhttp's bufferevent; NULL if there is none */
struct connection *connection_find(struct gate *gate, const struct bufferevent *bev);

/* connection_socket() - the descriptor, which the connection owns */
int connection_socket(const struct connection *conn);

/* connection_is_inside() - client_is_inside(), called once for each connection */
bool connection_is_inside(struct connection *conn);

/*
 * connection_answer_begin(), connection_answer_end() - around evhttp_send_reply()
 *
 * The output of evhttp between the two calls is sent in one piece at the end; the connection may be
 * freed then. Any other output is an error page of evhttp itself, and is replaced by JSON.
 */
void connection_answer_begin(struct connection *conn);
void connection_answer_end(struct connection *conn);

/* connection_stream() - the caller writes to the socket from now on, without time limits */
void connection_stream(struct connection *conn);

/* connection_close() - shut the connection down; evhttp frees it later, in the event loop */
void connection_close(struct connection *conn);

/* connection_answered() - the answer has been sent: the connection becomes idle */
void connection_answered(struct connection *conn);

/* SPDX-License-Identifier: Apache-2.0 */
/* A connection of the REST server: what evhttp's lack of bounds in time and of trust is put around.
 */
#pragma once

#include <stdbool.h>

struct bufferevent;
struct connection;
struct event_base;
struct gate;
struct gate_ops;

/* What the gate of connections does with them: for gate_init(). */
extern const struct gate_ops connection_gate_ops;

/* connection_new() - the callback of evhttp_set_bevcb(); @arg is the gate. NULL: out of memory */
struct bufferevent *connection_new(struct event_base *base, void *arg);

/* connection_find() - the connection behind evhttp's bufferevent; NULL where there is none */
struct connection *connection_find(struct gate *gate, const struct bufferevent *bev);

/* connection_socket() - its descriptor, which stays the connection's */
int connection_socket(const struct connection *conn);

/* connection_is_inside() - client_is_inside(), asked once */
bool connection_is_inside(struct connection *conn);

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

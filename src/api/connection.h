/* SPDX-License-Identifier: Apache-2.0 */
/* A connection of the REST server: what evhttp's lack of bounds in time and of trust is put around.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct bufferevent;
struct connection;
struct event_base;
struct gate;

/* connection_new() - the callback of evhttp_set_bevcb(); @arg is the gate. NULL: out of memory */
struct bufferevent *connection_new(struct event_base *base, void *arg);

/* connection_find() - the connection behind evhttp's bufferevent; NULL where there is none */
struct connection *connection_find(struct gate *gate, const struct bufferevent *bev);

/* connection_next() - the one behind it in its list of the gate; NULL: it is the last */
struct connection *connection_next(const struct connection *conn);

/* connection_has_input() - have bytes come that nobody has read yet? */
bool connection_has_input(const struct connection *conn);

/* connection_age_ms() - since it was accepted */
int64_t connection_age_ms(const struct connection *conn);

/* connection_socket() - its descriptor, which stays the connection's */
int connection_socket(const struct connection *conn);

/* connection_is_inside() - client_is_inside(), asked once */
bool connection_is_inside(struct connection *conn);

/* connection_cut() - shut the socket down; libevent sees the end of file and frees the connection
 */
void connection_cut(struct connection *conn);

/* connection_orphan() - the gate goes; libevent frees the connection some time later */
void connection_orphan(struct connection *conn);

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

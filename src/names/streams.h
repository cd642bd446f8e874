/* SPDX-License-Identifier: Apache-2.0 */
/* Clients over TCP (RFC 7766). See streams.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loop.h"
#include "queries.h"

/* The most connections, and the most queries of one connection at a time. */
#define STREAMS_MAX	   128U
#define STREAM_QUERIES_MAX 32U

/* A connection without a query is closed after this time. */
#define STREAM_IDLE_MS 10000

struct streams {
	struct loop *loop;
	struct queries *queries;
	struct list all; /* struct stream */
	unsigned n;
};

/* A listening socket. */
struct stream_listener {
	struct watch watch;
	struct streams *streams;
	bool paused; /* accept4(2) has failed, for example without descriptors: streams_resume() */
};

/* streams_init() - initialize, without connections */
void streams_init(struct streams *streams, struct loop *loop, struct queries *queries);

/* streams_listen() - accept clients at @fd; 0 or -errno */
int streams_listen(struct streams *streams, struct stream_listener *listener, int fd);

/* streams_tick() - close idle connections; call it several times a second while there are any */
void streams_tick(struct streams *streams);

/* streams_resume() - accept again at a paused @listener */
void streams_resume(struct stream_listener *listener);

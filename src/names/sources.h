/* SPDX-License-Identifier: Apache-2.0 */
/* The sockets for questions to name servers, and random numbers. See sources.c. */
#pragma once

#include <stdint.h>

#include "loop.h"

/* How long after its creation, and for how many questions, a socket is used at most. */
#define SOURCE_LIFE_MS	100
#define SOURCE_USES_MAX 64U

/* A question uses an idle socket only if it can choose among at least so many to its server. */
#define SOURCES_CHOICE 64U

/* The most idle sockets. */
#define SOURCES_IDLE_MAX 128U

/* The number of random numbers that are fetched at a time. */
#define SOURCES_RANDOM 128U

struct source {
	struct watch watch; /* its descriptor is a datagram socket, connected to a name server */
	struct garbage garbage;
	struct sources *sources;
	void (*ready)(void *user); /* the user's function, if there is something to receive */
	void *user;		   /* NULL: the socket is idle */
	uint32_t slot;		   /* of the server's address: proc/destinations.h */
	unsigned generation;	   /* of the servers */
	unsigned uses;
	int64_t born_ms;
};

struct sources {
	struct loop *loop;
	struct source *idle[SOURCES_IDLE_MAX];
	unsigned n_idle, max_idle;
	uint16_t random[SOURCES_RANDOM];
	unsigned n_random;
};

/*
 * sources_init() - initialize, without sockets
 * @max_idle: at most SOURCES_IDLE_MAX; below SOURCES_CHOICE each question has a socket of its own
 */
void sources_init(struct sources *sources, struct loop *loop, unsigned max_idle);

/*
 * sources_random() - a random number
 *
 * Returns 0, or -EAGAIN: the kernel has no random numbers yet (man 2 getrandom).
 */
int sources_random(struct sources *sources, uint16_t *ret);

/*
 * server_connect() - make a socket, and connect it to the server in @slot
 * @type: SOCK_DGRAM or SOCK_STREAM; the socket is non-blocking
 *
 * Returns the descriptor, or -errno (ENETUNREACH, EMFILE). -ESTALE: the launcher has removed the
 * address, and its message about other servers is on its way. A stream may still be connecting.
 */
int server_connect(uint32_t slot, int type);

/*
 * sources_take() - get a socket to the server in @slot, for one question
 * @generation: of the servers; a socket of another generation is not used
 * @ready: called with @user when the socket is ready
 * @user: not NULL
 * @ret: the socket; return it with source_release() or source_close()
 *
 * Returns 0 or -errno, as server_connect() does.
 */
int sources_take(struct sources *sources, uint32_t slot, unsigned generation,
		 void (*ready)(void *user), void *user, struct source **ret);

/*
 * source_release() - return a socket on which only the answer was received: another question may
 * use it
 */
void source_release(struct source *source);

/* source_close() - close the socket and free @source; accepts NULL */
void source_close(struct source *source);

/* sources_tick() - close old idle sockets; call it several times a second while there are any */
void sources_tick(struct sources *sources);

/* sources_clear() - close all idle sockets */
void sources_clear(struct sources *sources);

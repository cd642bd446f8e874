/* SPDX-License-Identifier: Apache-2.0 */
/* The host's name servers, and which of them a query asks next. No system calls. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fauxroot/names/at.h"

/* The pause of a server that did not answer: the first one, and the longest. */
#define SERVER_PAUSE_MS	    1000
#define SERVER_PAUSE_MAX_MS 30000

struct server {
	uint32_t slot;	     /* of its address: proc/destinations.h */
	int64_t down_ms;     /* end of its pause; before this time it is asked last */
	int64_t answered_ms; /* time of its last answer */
	int pause_ms;	     /* its last pause; 0: it has answered after that */
};

struct servers {
	struct server items[NAMES_SERVERS_MAX];
	unsigned n;
	unsigned generation; /* number of servers_set() calls */
};

/* servers_set() - use these servers from now on, in this order, and forget all pauses */
void servers_set(struct servers *servers, const uint32_t *slots, unsigned n);

/*
 * servers_next() - choose the server that a query asks next
 * @asked: bit n: server n was asked
 *
 * Returns the first server in order that was not asked and does not pause; if all others pause, the
 * first of them; -1: all were asked.
 */
int servers_next(const struct servers *servers, uint32_t asked, int64_t now_ms);

/*
 * servers_is_suspect() - has server @i failed, and not answered since?
 *
 * A query that asks it after its pause should ask the next server at the same time. So the query
 * loses no time if the server still does not answer.
 */
bool servers_is_suspect(const struct servers *servers, unsigned i);

/* servers_answered() - server @i has answered */
void servers_answered(struct servers *servers, unsigned i, int64_t now_ms);

/*
 * servers_failed() - server @i did not answer a query of @asked_ms
 *
 * Does nothing if it has answered another query since. Otherwise it pauses, each time for longer.
 */
void servers_failed(struct servers *servers, unsigned i, int64_t asked_ms, int64_t now_ms);

/* servers_wait_ms() - how long a query waits for an answer before it asks the next server, too. The
 * time is short enough to ask all servers before a client gives up (man 5 resolv.conf: after 5 s)
 */
int servers_wait_ms(const struct servers *servers);

/* SPDX-License-Identifier: Apache-2.0 */
/* A thread's sockets of the child's network namespace, made by the agent ahead of need. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "loop.h"
#include "protocol.h"
#include "shares.h"

/* The sockets of one kind. */
struct stock {
	int fds[MAX_BATCH];
	uint8_t n;
	uint8_t want;  /* as many as should be here: grows when it runs dry */
	uint8_t low;   /* the fewest since the last tick: what was never needed is given back */
	uint8_t asked; /* of the agent, not yet answered */
};

struct supply {
	struct watch watch; /* towards the agent; fd -1: it is dead */
	struct loop *loop;
	struct shares *shares;
	unsigned threads; /* how many of these there are */
	uint64_t netns_cookie;
	struct stock stocks[KIND_COUNT_];
	uint8_t queue[KIND_COUNT_]; /* kinds asked for, in order: at most once each */
	uint8_t n_queue;
	bool scarce;	  /* descriptors ran out: small batches */
	int64_t retry_ms; /* and no asking before this */
};

/*
 * supply_init() - empty, and without an agent
 * @shares: tells when descriptors are scarce
 * @threads: how many threads have a supply
 *
 * In @loop, sockets that come set room_made, and descriptors that run out set fds_short.
 */
void supply_init(struct supply *supply, struct loop *loop, struct shares *shares, unsigned threads);

/*
 * supply_connect() - a new agent: ask it for what is needed
 * @fd: the socket towards it, which becomes the supply's
 * @netns_cookie: what its sockets must have (protocol.h: supply_check_socket())
 */
void supply_connect(struct supply *supply, int fd, uint64_t netns_cookie);

/* supply_need() - @kind will be needed; ask for it where the stock is low */
void supply_need(struct supply *supply, enum socket_kind kind);

/* supply_take() - one socket, now the caller's, or -1; asks for more when few are left */
int supply_take(struct supply *supply, enum socket_kind kind);

/* supply_put_back() - what supply_take() gave has not been used */
void supply_put_back(struct supply *supply, enum socket_kind kind, int fd);

/* supply_stock() - how many there are */
unsigned supply_stock(const struct supply *supply, enum socket_kind kind);

/* supply_release() - close those that are not needed at once, where descriptors have run out */
void supply_release(struct supply *supply);

/* supply_retry() - descriptors are free: ask the agent again without a pause */
void supply_retry(struct supply *supply);

/* supply_tick() - once a second: give back what was not needed */
void supply_tick(struct supply *supply);

/* supply_idle() - would supply_tick() change nothing? */
bool supply_idle(const struct supply *supply);

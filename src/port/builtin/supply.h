/* SPDX-License-Identifier: Apache-2.0 */
/* A thread's stock of sockets of the child's network namespace, which the agent makes in advance.
 */
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
	uint8_t want;  /* desired number of sockets: grows when the stock runs dry */
	uint8_t low;   /* minimum of n since the last tick: that many were not needed */
	uint8_t asked; /* requested from the agent, not answered yet */
};

struct supply {
	struct watch watch; /* socket towards the agent; fd -1: the agent is dead */
	struct loop *loop;
	struct shares *shares;
	unsigned threads; /* number of threads with a supply */
	uint64_t netns_cookie;
	struct stock stocks[KIND_COUNT_];
	uint8_t queue[KIND_COUNT_]; /* kinds of the pending requests, in order, each once */
	uint8_t n_queue;
	bool scarce;	  /* descriptors ran out: request small batches */
	int64_t retry_ms; /* with .scarce: send no request before this time */
};

/*
 * supply_init() - an empty supply without an agent
 * @shares: reports whether descriptors are scarce
 * @threads: number of threads with a supply
 *
 * Sockets that arrive set @loop->room_made. Descriptors that run out set @loop->fds_short.
 */
void supply_init(struct supply *supply, struct loop *loop, struct shares *shares, unsigned threads);

/*
 * supply_connect() - connect a new agent, and request the sockets that are needed
 * @fd: the socket towards the agent; the supply takes it over
 * @netns_cookie: expected cookie of the agent's sockets (protocol.h: supply_check_socket())
 */
void supply_connect(struct supply *supply, int fd, uint64_t netns_cookie);

/* supply_need() - @kind will be needed: request sockets if the stock is low */
void supply_need(struct supply *supply, enum socket_kind kind);

/* supply_take() - take one socket for the caller, or -1; requests more when few are left */
int supply_take(struct supply *supply, enum socket_kind kind);

/* supply_put_back() - return an unused socket of supply_take() */
void supply_put_back(struct supply *supply, enum socket_kind kind, int fd);

/* supply_stock() - the number of sockets of @kind */
unsigned supply_stock(const struct supply *supply, enum socket_kind kind);

/* supply_release() - descriptors have run out: close sockets that are not needed at once */
void supply_release(struct supply *supply);

/* supply_retry() - descriptors are free again: send requests without a pause */
void supply_retry(struct supply *supply);

/* supply_tick() - once a second: close sockets that were not needed */
void supply_tick(struct supply *supply);

/* supply_idle() - would supply_tick() change nothing? */
bool supply_idle(const struct supply *supply);

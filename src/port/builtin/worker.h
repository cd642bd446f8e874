/* SPDX-License-Identifier: Apache-2.0 */
/* A worker: a thread of the forwarder, with its parts and the loop that runs them. See worker.c. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "counters.h"
#include "listener.h"
#include "loop.h"
#include "mail.h"
#include "paths.h"
#include "policy.h"
#include "protocol.h"
#include "relay.h"
#include "loglimit.h"
#include "shares.h"
#include "supply.h"
#include "udp.h"

struct error;

struct worker {
	struct loop loop;
	struct mailbox mail;
	struct supply supply;
	struct relays relays;
	struct udp udp;
	struct listeners listeners;
	struct log_limit *shortages;
	struct policy policy;
	pthread_t thread;
	unsigned peak; /* maximum of relays and flows since the heap was last trimmed */
	bool warm;     /* events arrived since the pages of code were last released */
	int64_t tick_ms;
};

/* All threads, and their shared state. */
struct workers {
	unsigned n;
	unsigned descriptors; /* RLIMIT_NOFILE */
	struct shares shares;
	struct udp_limit udp;
	struct log_limit shortages;
	struct paths paths;
	struct relay_threads relays;
	struct worker items[MAX_WORKERS];
};

/*
 * workers_init() - initialise all workers; starts no thread
 * @descriptors: RLIMIT_NOFILE
 * @counters: for @n threads
 * @port_closed: called with @arg, from any thread, when the listeners and connections of a removed
 *               port are closed
 *
 * Returns 0 or -errno.
 */
int workers_init(struct workers *ws, unsigned n, unsigned descriptors,
		 const struct counters *counters, void (*port_closed)(void *arg), void *arg,
		 struct error *err);

/* worker_run() - the main function of a thread */
_Noreturn void worker_run(struct worker *w);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A worker waits for a batch of events and handles them. Then it gives the next turn to relays that
 * had more work than one turn, and reads its letters. Only after that it frees closed objects: a
 * later event of the batch may still point to them.
 *
 * The parts of a worker do not depend on the worker. They report conditions in the loop (room_made,
 * fds_short); after the batch the worker passes these on to the parts that wait for them.
 *
 * Workers share only listeners, shares and limits; they pass objects to each other by letters. If a
 * worker has nothing to do at a later time, it sleeps without a timeout.
 */
#include "worker.h"

#include <stdatomic.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/libc.h"
#include "fauxroot/base/list.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/sys/memory.h"

#define TICK_MS 1000
/* While listeners are paused because descriptors are short: other workers free some without a
 * letter. */
#define PAUSED_TICK_MS 50

/* Below this number of relays and flows, trimming the heap is not worth its time. */
#define PEAK_MIN 16

#define FLOWS_MAX 65536U

static unsigned held(const struct worker *w)
{
	return relays_load(&w->relays) + udp_flows(&w->udp);
}

/* Give memory back to the kernel when most connections and flows have ended. */
static void trim(struct worker *w)
{
	if (w->peak > PEAK_MIN && held(w) < w->peak / 4) {
		libc_heap_trim();
		w->peak = held(w);
	}
	if (relays_load(&w->relays) == 0)
		mover_trim(&w->relays.mover);
	/* UDP flows do not count: a page fault delays a datagram no more than the wake-up of the
	 * thread does. */
	if (w->warm && relays_load_of_all(&w->relays) == 0)
		memory_release_code();
	w->warm = false;
}

static void free_dead(struct worker *w)
{
	relays_free_dead(&w->relays);
	udp_free_dead(&w->udp);
}

static int64_t tick_length(const struct worker *w)
{
	return w->listeners.paused ? PAUSED_TICK_MS : TICK_MS;
}

static void tick(struct worker *w)
{
	w->tick_ms = w->loop.now_ms;
	supply_tick(&w->supply);
	udp_tick(&w->udp);
	listeners_tick(&w->listeners);
	/* The batch is finished. Free closed objects first, so that trim() returns their memory,
	 * too. */
	free_dead(w);
	trim(w);
}

static bool idle(const struct worker *w)
{
	return !w->warm && list_empty(&w->listeners.connecting) && !w->policy.is_batch &&
	       w->relays.mover.pipes.n_free == 0 && w->peak <= PEAK_MIN &&
	       supply_idle(&w->supply) && udp_idle(&w->udp);
}

/* The timeout of the next loop_turn(), in milliseconds. */
static int next_timeout(const struct worker *w)
{
	int64_t left;

	if (!list_empty(&w->relays.ready))
		return 0;
	if (w->listeners.paused)
		return PAUSED_TICK_MS;
	if (idle(w))
		return -1;
	left = w->tick_ms + TICK_MS - w->loop.now_ms;
	return (int)MAX(0, MIN(left, TICK_MS));
}

/* Close descriptors that are kept in reserve. */
static void release_descriptors(struct worker *w)
{
	w->loop.fds_short = false;
	supply_release(&w->supply);
	pipes_trim(&w->relays.mover.pipes);
	log_no_descriptors(w->shortages, w->loop.now_ms);
}

/* After a batch of events. */
static void follow_up(struct worker *w)
{
	bool resume = false;

	relays_turn(&w->relays);
	if (mail_read(&w->mail)) {
		relays_displaced(&w->relays);
		resume = true;
	}
	policy_adapt(&w->policy, &w->relays.mover.spliced, relays_receiver(&w->relays),
		     w->loop.now_ms);
	w->loop.yields = w->policy.is_batch;
	w->peak = MAX(w->peak, held(w));
	if (w->loop.now_ms - w->tick_ms >= tick_length(w)) {
		tick(w);
		resume = true;
	}
	if (w->loop.fds_short)
		release_descriptors(w);
	if (w->loop.room_made) {
		w->loop.room_made = false;
		supply_retry(&w->supply);
		resume = true;
	}
	if (resume)
		listeners_resume(&w->listeners);
	free_dead(w);
}

void worker_run(struct worker *w)
{
	for (;;) {
		w->warm |= loop_turn(&w->loop, next_timeout(w)) > 0;
		follow_up(w);
	}
}

static int worker_init(struct workers *ws, unsigned index, struct counter *counters,
		       struct error *err)
{
	struct worker *w = &ws->items[index];
	unsigned pipes = MIN(PIPES_ALL, ws->descriptors / PIPES_PART) / ws->n;
	int rc = loop_init(&w->loop);

	if (rc == 0)
		rc = mail_init(&w->mail, &w->loop);
	if (rc < 0)
		return err_set(err, -rc, "making a worker's epoll set");
	supply_init(&w->supply, &w->loop, &ws->shares, ws->n);
	udp_init(&w->udp, &w->loop, &w->supply, &ws->udp, counters);
	rc = relays_init(&w->relays, index, &w->loop, &w->mail, counters, &ws->relays, pipes);
	if (rc < 0)
		return err_set(err, -rc, "making a worker's buffer");
	ws->relays.relays[index] = &w->relays;
	w->listeners = (struct listeners){
		.index = index,
		.threads = ws->n,
		.loop = &w->loop,
		.mail = &w->mail,
		.supply = &w->supply,
		.relays = &w->relays,
		.udp = &w->udp,
		.shortages = &ws->shortages,
		.paths = &ws->paths,
	};
	list_init(&w->listeners.seats);
	list_init(&w->listeners.connecting);
	w->shortages = &ws->shortages;
	policy_init(&w->policy, w->loop.now_ms);
	w->tick_ms = w->loop.now_ms;
	return 0;
}

/* Returns the number of descriptors for listeners, connections and flows: without the forwarder's
 * own, pipes, and sockets that are made in advance. */
static unsigned for_ports(unsigned limit, unsigned n_workers)
{
	unsigned own = 8 + 3 * n_workers, pipes = 2 * MIN(PIPES_ALL, limit / PIPES_PART);
	unsigned stock = MIN(8 * n_workers, limit / 16), taken = own + pipes + stock;

	return MAX(limit / 4, limit > taken ? limit - taken : 0);
}

int workers_init(struct workers *ws, unsigned n, unsigned descriptors,
		 const struct counters *counters, void (*port_closed)(void *arg), void *arg,
		 struct error *err)
{
	int rc = 0;

	ws->n = ws->relays.n = n;
	ws->descriptors = descriptors;
	ws->relays.shares = ws->udp.shares = &ws->shares;
	/* Keep half of the descriptors for connections: UDP client addresses can be forged. */
	ws->udp.flows_max = MIN(FLOWS_MAX, descriptors / 2);
	log_limit_init(&ws->shortages);
	paths_init(&ws->paths);
	shares_init(&ws->shares, for_ports(descriptors, n), &ws->udp.flows, port_closed, arg);
	for (unsigned i = 0; i < n && rc == 0; i++)
		rc = worker_init(ws, i, counters_of(counters, i), err);
	return rc;
}

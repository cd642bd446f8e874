/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A worker waits for events, deals with a batch of them, gives relays that had more to do than one
 * turn the next one, reads its letters, and only then frees what died meanwhile: nothing that a
 * later event of the batch may name is gone.
 *
 * The parts of a worker do not know it. What one of them reports in its loop (room_made, fds_short)
 * the worker passes on to those that wait for it, after the batch.
 *
 * Workers share nothing but the listeners; what one has for another goes by letter. A worker with
 * nothing to age, retry, give back or change back sleeps without a timeout.
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
/* When listeners rest for want of descriptors: other workers free some without telling us. */
#define RESTING_TICK_MS 50

/* Fewer relays and flows than this are not worth a walk through the heap. */
#define PEAK_MIN 16

#define FLOWS_MAX 65536U

static unsigned held(const struct worker *w)
{
	return relays_load(&w->relays) + udp_flows(&w->udp);
}

/* Give memory of ended connections and flows back when most of them have. */
static void trim(struct worker *w)
{
	if (w->peak > PEAK_MIN && held(w) < w->peak / 4) {
		libc_heap_trim();
		w->peak = held(w);
	}
	if (relays_load(&w->relays) == 0)
		mover_trim(&w->relays.mover);
	/* Flows of UDP do not count: a page fault delays no datagram by more than the wake-up of a
	 * thread. */
	if (w->warm && relays_load_of_all(&w->relays) == 0)
		memory_release_code();
	w->warm = false;
}

static void bury(struct worker *w)
{
	relays_bury(&w->relays);
	udp_bury(&w->udp);
}

static int64_t tick_length(const struct worker *w)
{
	return w->listeners.resting ? RESTING_TICK_MS : TICK_MS;
}

static void tick(struct worker *w)
{
	w->tick_ms = w->loop.now_ms;
	supply_tick(&w->supply);
	udp_tick(&w->udp);
	/* The batch has been dealt with; and what has just died is to be given back as well. */
	bury(w);
	trim(w);
}

static bool idle(const struct worker *w)
{
	return !w->warm && !w->policy.is_batch && w->relays.mover.pipes.n_free == 0 &&
	       w->peak <= PEAK_MIN && supply_idle(&w->supply) && udp_idle(&w->udp);
}

/* Milliseconds that epoll may sleep. */
static int patience(const struct worker *w)
{
	int64_t left;

	if (!list_empty(&w->relays.ready))
		return 0;
	if (w->listeners.resting)
		return RESTING_TICK_MS;
	if (idle(w))
		return -1;
	left = w->tick_ms + TICK_MS - w->loop.now_ms;
	return (int)MAX(0, MIN(left, TICK_MS));
}

/* Give back descriptors that are kept for later. */
static void release_descriptors(struct worker *w)
{
	w->loop.fds_short = false;
	supply_release(&w->supply);
	pipes_trim(&w->relays.mover.pipes);
	scarce_descriptors(w->scarce, w->loop.now_ms);
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
	policy_adapt(&w->policy, &w->relays.mover.spliced, w->loop.now_ms);
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
	bury(w);
}

void worker_run(struct worker *w)
{
	for (;;) {
		w->warm |= loop_turn(&w->loop, patience(w)) > 0;
		follow_up(w);
	}
}

static int worker_init(struct workers *ws, unsigned index, struct error *err)
{
	struct worker *w = &ws->items[index];
	unsigned pipes = MIN(PIPES_ALL, ws->descriptors / PIPES_PART) / ws->n;
	int rc = loop_init(&w->loop);

	if (rc == 0)
		rc = mail_init(&w->mail, &w->loop);
	if (rc < 0)
		return err_set(err, -rc, "making a worker's epoll set");
	supply_init(&w->supply, &w->loop, &ws->shares, ws->n);
	udp_init(&w->udp, &w->loop, &w->supply, &ws->udp);
	rc = relays_init(&w->relays, index, &w->loop, &w->mail, &ws->relays, pipes);
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
		.scarce = &ws->scarce,
	};
	list_init(&w->listeners.seats);
	w->scarce = &ws->scarce;
	w->policy.may_change = policy_may_change();
	w->policy.since_ms = w->tick_ms = w->loop.now_ms;
	return 0;
}

/* Descriptors for ports and what goes through them: without what the forwarder itself needs, pipes,
 * and sockets that are made ahead. */
static unsigned for_ports(unsigned limit, unsigned n_workers)
{
	unsigned own = 8 + 3 * n_workers, pipes = 2 * MIN(PIPES_ALL, limit / PIPES_PART);
	unsigned stock = MIN(8 * n_workers, limit / 16), taken = own + pipes + stock;

	return MAX(limit / 4, limit > taken ? limit - taken : 0);
}

int workers_init(struct workers *ws, unsigned n, unsigned descriptors,
		 void (*port_closed)(void *arg), void *arg, struct error *err)
{
	int rc = 0;

	ws->n = ws->relays.n = n;
	ws->descriptors = descriptors;
	ws->relays.shares = ws->udp.shares = &ws->shares;
	/* Half of the descriptors stay for connections: anybody can make up clients of UDP. */
	ws->udp.flows_max = MIN(FLOWS_MAX, descriptors / 2);
	scarce_init(&ws->scarce);
	shares_init(&ws->shares, for_ports(descriptors, n), &ws->udp.flows, port_closed, arg);
	for (unsigned i = 0; i < n && rc == 0; i++)
		rc = worker_init(ws, i, err);
	return rc;
}

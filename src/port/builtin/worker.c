/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A worker waits for events, deals with a batch of them, gives relays that had more to do than one
 * turn the next one, reads its letters, and only then frees what died meanwhile: nothing that a
 * later event of the batch may name is gone.
 *
 * Workers share nothing but the listeners; what one has for another goes by letter. A worker with
 * nothing to age, retry, give back or change back sleeps without a timeout.
 */
#include "worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/libc.h"
#include "fauxroot/base/log.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/sys/memory.h"

#define BATCH 128

#define TICK_MS 1000
/* When listeners rest for want of descriptors: other workers free some without telling us. */
#define RESTING_TICK_MS 50

/* Fewer relays and flows than this are not worth a walk through the heap. */
#define PEAK_MIN 16

#define SCARCE_EVERY_MS 60000

int watch_add(struct worker *w, struct watch *watch, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = watch};

	return epoll_ctl(w->epoll, EPOLL_CTL_ADD, watch->fd, &event) < 0 ? -errno : 0;
}

void watch_remove(struct worker *w, struct watch *watch)
{
	(void)epoll_ctl(w->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
}

/* Has it not been said that descriptors are scarce for a minute? */
static bool may_say_scarce(struct worker *w)
{
	struct forwarder *f = w->forwarder;
	int64_t said = atomic_load(&f->scarce_said_ms);

	return w->now_ms - said >= SCARCE_EVERY_MS &&
	       atomic_compare_exchange_strong(&f->scarce_said_ms, &said, w->now_ms);
}

void worker_out_of_share(struct worker *w, const struct share *share)
{
	if (may_say_scarce(w))
		log_warning("out of descriptors: published port %u has all connections that it may "
			    "have; from clients with many of them it takes no more, and others "
			    "take their place; a higher RLIMIT_NOFILE (ulimit -n) allows more",
			    share->id);
}

void worker_out_of_descriptors(struct worker *w)
{
	supply_release(w);
	pipes_trim(&w->pipes);
	if (may_say_scarce(w))
		log_warning("out of descriptors: new connections to published ports wait until "
			    "others have ended; a higher RLIMIT_NOFILE (ulimit -n) allows more");
}

void worker_wake(struct worker *w)
{
	uint64_t one = 1;

	/* EAGAIN: 2^64 - 2 letters; the worker wakes up anyway. */
	(void)!write(w->mail.fd, &one, sizeof(one));
}

int worker_post(struct worker *w, const struct letter *letter)
{
	struct letter *copy = malloc(sizeof(*copy));

	if (!copy)
		return -ENOMEM;
	*copy = *letter;
	copy->next = NULL;
	pthread_mutex_lock(&w->mail_lock);
	*w->letters_end = copy;
	w->letters_end = &copy->next;
	pthread_mutex_unlock(&w->mail_lock);
	worker_wake(w);
	return 0;
}

static void read_letter(struct worker *w, const struct letter *letter)
{
	switch (letter->type) {
	case LETTER_LISTENER:
		forwarder_adopted(w->forwarder, listener_adopt(w, letter->listener));
		break;
	case LETTER_LEAVE:
		listener_leave(w, letter->listener);
		break;
	case LETTER_RELAY:
		relay_arrive(w, letter->arrival.relay, letter->arrival.listener);
		break;
	case LETTER_SUPPLY:
		supply_connect(w, letter->supply.fd, letter->supply.netns_cookie);
		break;
	}
}

static void read_letters(struct worker *w)
{
	struct letter *letter, *next;
	uint64_t count;

	(void)!read(w->mail.fd, &count, sizeof(count));
	pthread_mutex_lock(&w->mail_lock);
	letter = TAKE_PTR(w->letters);
	w->letters_end = &w->letters;
	pthread_mutex_unlock(&w->mail_lock);
	for (; letter; letter = next) {
		next = letter->next;
		read_letter(w, letter);
		free(letter);
	}
	relays_displaced(w);
	w->retry = true;
}

/* Deal with one event; returns true where it is that of the mail, which is read last. */
static bool dispatch(struct worker *w, const struct epoll_event *event)
{
	struct watch *watch = event->data.ptr;

	switch ((enum watch_type)watch->type) {
	case WATCH_CONTROL:
		forwarder_order(w->forwarder);
		break;
	case WATCH_MAIL:
		return true;
	case WATCH_SUPPLY:
		/* fd -1: an earlier event of the batch has ended the conversation. */
		if (watch->fd >= 0)
			supply_event(w);
		break;
	case WATCH_LISTENER:
		listener_event(w, CONTAINER(watch, struct listener, watch));
		break;
	case WATCH_RELAY:
		relay_event(w, CONTAINER(watch, struct end, watch), event->events);
		break;
	case WATCH_FLOW:
		flow_event(w, (struct flow *)watch);
		break;
	}
	return false;
}

static void run_ready(struct worker *w)
{
	struct list round;

	if (list_empty(&w->ready))
		return;
	/* Those that yield again come to the now empty list: one turn each. */
	round = w->ready;
	round.next->prev = round.prev->next = &round;
	list_init(&w->ready);
	while (!list_empty(&round))
		relay_turn(w, CONTAINER(round.prev, struct relay, ready));
}

static unsigned held(const struct worker *w)
{
	return atomic_load_explicit(&w->load, memory_order_relaxed) + udp_flows(w);
}

void worker_grown(struct worker *w)
{
	w->peak = MAX(w->peak, held(w));
}

/* No worker has connections. Their flows of UDP do not count: a page fault delays no datagram by
 * more than the wake-up of a thread. */
static bool all_unloaded(struct forwarder *f)
{
	for (unsigned i = 0; i < f->n_workers; i++)
		if (atomic_load_explicit(&f->workers[i].load, memory_order_relaxed) > 0)
			return false;
	return true;
}

/* Give memory of ended connections and flows back when most of them have. */
static void trim(struct worker *w)
{
	unsigned load = atomic_load_explicit(&w->load, memory_order_relaxed);

	if (w->peak > PEAK_MIN && held(w) < w->peak / 4) {
		libc_heap_trim();
		w->peak = held(w);
	}
	if (load == 0 && pipes_trim(&w->pipes) > 0)
		madvise(w->buffer, BUFFER_BYTES, MADV_DONTNEED);
	if (w->warm && all_unloaded(w->forwarder))
		memory_release_code();
	w->warm = false;
}

static void bury(struct worker *w)
{
	relays_bury(w);
	udp_bury(w);
}

static void tick(struct worker *w)
{
	supply_tick(w);
	udp_tick(w, w->now_ms);
	/* The batch has been dealt with; and what has just died is to be given back as well. */
	bury(w);
	trim(w);
	listeners_resume(w);
	w->retry = w->resting;
}

static bool idle(const struct worker *w)
{
	return !w->warm && !w->yielding && w->pipes.n_free == 0 && w->peak <= PEAK_MIN &&
	       supply_idle(w) && udp_idle(w);
}

/* Milliseconds that epoll may sleep. */
static int patience(struct worker *w)
{
	int64_t left;

	if (!list_empty(&w->ready))
		return 0;
	if (w->resting)
		return RESTING_TICK_MS;
	if (idle(w))
		return -1;
	left = w->tick_ms + TICK_MS - w->now_ms;
	return (int)MAX(0, MIN(left, TICK_MS));
}

void *worker_run(void *arg)
{
	struct worker *w = arg;
	struct epoll_event events[BATCH];

	for (;;) {
		int n = epoll_wait(w->epoll, events, BATCH, patience(w));
		bool mail = false;

		if (n < 0 && errno != EINTR)
			abort();
		w->now_ms = clock_ms();
		w->warm |= n > 0;
		for (int i = 0; i < n; i++)
			mail |= dispatch(w, &events[i]);
		run_ready(w);
		if (mail)
			read_letters(w);
		pace(w);
		if (w->now_ms - w->tick_ms >= (w->resting ? RESTING_TICK_MS : TICK_MS)) {
			w->tick_ms = w->now_ms;
			tick(w);
		}
		listeners_retry(w);
		bury(w);
	}
}

int worker_init(struct worker *w, struct forwarder *f, unsigned index, struct error *err)
{
	w->forwarder = f;
	w->index = index;
	w->now_ms = w->tick_ms = w->pace_ms = clock_ms();
	w->mail.type = WATCH_MAIL;
	w->letters_end = &w->letters;
	w->pipes.max = MIN(PIPES_ALL, f->descriptors / PIPES_PART) / f->n_workers;
	pthread_mutex_init(&w->mail_lock, NULL);
	list_init(&w->seats);
	list_init(&w->relays);
	list_init(&w->ready);
	list_init(&w->dead);
	supply_init(&w->supply);
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	w->mail.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->epoll < 0 || w->mail.fd < 0 || watch_add(w, &w->mail, EPOLLIN) < 0)
		return err_set(err, errno, "making a worker's epoll set");
	w->buffer = mmap(NULL, BUFFER_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	if (w->buffer == MAP_FAILED)
		return err_set(err, errno, "making a worker's buffer");
	return 0;
}

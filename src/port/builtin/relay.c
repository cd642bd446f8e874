/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A relay connects a client's connection with a connection to the target: two descriptors, two
 * streams. epoll is edge-triggered, and the flags of the ends remember the edges. So an established
 * relay needs no epoll_ctl(2). EPOLLOUT is enabled after the first send that was refused. A
 * connecting socket refuses sends, too: so the completion of connect() needs no separate event, and
 * its failure is an error of a later recv().
 *
 * An end of file is passed on with shutdown(2). If one connection ends in another way, the other
 * connection is reset, as its peer would see it without a relay: if the target refuses the
 * connection, the client gets a reset. Both sockets have SO_LINGER with 0 seconds (man 7 socket),
 * so the death of the forwarder is a reset, too: an end of file would mean that all bytes have
 * arrived.
 *
 * A relay occupies a slot in the share of its port (shares.c), from before its creation until it is
 * closed. Another client may displace it.
 *
 * A new relay stays with the accepting thread, unless that thread has clearly more relays than
 * another one. So a few long connections are distributed evenly, and many short ones are not passed
 * around. A relay is passed to another thread by a letter. Until the letter is read, the relay is a
 * user of the share: a port is removed when all its relays are closed and all letters are read.
 */
#include "relay.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/macro.h"

/* The memory of an idle connection, which also has two descriptors. */
#define RELAY_BYTES 184

struct relay {
	struct end ends[2];
	struct stream streams[2]; /* from the end of that index to the other */
	struct relays *relays;	  /* its thread's */
	union {
		struct list link;     /* in relays.open, or relays.dead */
		struct letter letter; /* while it is passed to another thread */
	};
	struct list ready; /* in relays.ready, or self-linked */
	struct share_slot slot;
	bool dead;
};

static_assert(sizeof(struct relay) <= RELAY_BYTES, "a relay is small");

/* Both directions are finished: close(2) needs no reset. */
static void set_orderly(int fd)
{
	static const struct linger none = {.l_onoff = 0};

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
}

/* Leave the share of the port. A waiting client may try again. */
static void leave(struct relays *here, struct relay *r)
{
	int waiter = share_leave(&r->slot);

	here->loop->room_made = true;
	if (waiter >= 0 && waiter != (int)here->index)
		mail_wake(here->threads->relays[waiter]->mail);
}

/* Close @r; relays_free_dead() frees it. */
static void relay_close(struct relay *r, bool reset)
{
	struct relays *here = r->relays;

	r->dead = true;
	leave(here, r);
	for (int i = 0; i < 2; i++) {
		stream_clear(&here->mover, &r->streams[i]);
		if (!reset)
			set_orderly(r->ends[i].watch.fd);
	}
	/* The agent may still have the target's end open. Then close() alone would leave it in the
	 * epoll set, with a pointer to a freed relay. */
	watch_remove(here->loop, &r->ends[1].watch);
	for (int i = 0; i < 2; i++)
		r->ends[i].watch.fd = fd_close(r->ends[i].watch.fd);
	list_remove(&r->ready);
	list_remove(&r->link);
	list_insert(&here->dead, &r->link);
	atomic_fetch_sub_explicit(&here->load, 1, memory_order_relaxed);
}

void relays_free_dead(struct relays *rs)
{
	struct relay *r;

	while ((r = LIST_FIRST(&rs->dead, struct relay, link))) {
		list_remove(&r->link);
		free(r);
	}
}

/* Move bytes from the end @from to the other, and count them. */
static enum stream_state move(struct relays *here, struct relay *r, int from)
{
	struct mover *mover = &here->mover;
	enum stream_state state;

	mover->moved = 0;
	state = stream_move(mover, &r->streams[from], &r->ends[from], &r->ends[!from]);
	counter_add(&here->counters[r->slot.share->counter].bytes[from], mover->moved);
	return state;
}

/* Move bytes in both directions. */
static void turn(struct relay *r)
{
	struct relays *here = r->relays;
	bool yields = false;
	int done = 0;

	list_remove(&r->ready);
	for (int from = 0; from < 2; from++) {
		switch (move(here, r, from)) {
		case STREAM_BROKEN:
			relay_close(r, true);
			return;
		case STREAM_DONE:
			done++;
			break;
		case STREAM_YIELDS:
			yields = true;
			break;
		case STREAM_WAITS:
			break;
		}
	}
	if (done == 2)
		relay_close(r, false);
	else if (yields)
		list_insert(&here->ready, &r->ready);
}

void relays_turn(struct relays *rs)
{
	struct list round;

	if (list_empty(&rs->ready))
		return;
	/* Relays that yield again are added to the list, which is empty now: each gets one turn. */
	round = rs->ready;
	round.next->prev = round.prev->next = &round;
	list_init(&rs->ready);
	while (!list_empty(&round))
		turn(LIST_LAST(&round, struct relay, ready));
}

/* watch.ready */
static void on_end(struct watch *watch, uint32_t events)
{
	struct end *end = CONTAINER(watch, struct end, watch);
	struct relay *r = CONTAINER(end - end->index, struct relay, ends);

	if (r->dead)
		return;
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		end->readable = true;
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		end->hung = true;
	if (events & EPOLLPRI)
		end->urgent = true;
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		end->writable = true;
	/* A reset after end of file: no further read would report it. */
	if ((events & EPOLLERR) && r->streams[end->index].done)
		relay_close(r, true);
	else
		turn(r);
}

static struct relay *relay_new(int client_fd, int target_fd)
{
	struct relay *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	for (uint8_t i = 0; i < 2; i++) {
		r->ends[i].watch.ready = on_end;
		r->ends[i].watch.fd = i == 0 ? client_fd : target_fd;
		r->ends[i].index = i;
		r->ends[i].writable = true;
	}
	list_init(&r->ready);
	list_init(&r->slot.link);
	return r;
}

unsigned relays_load(const struct relays *rs)
{
	return atomic_load_explicit(&rs->load, memory_order_relaxed);
}

/* Returns the thread for a new relay that @here has accepted. */
static struct relays *choose_thread(struct relays *here)
{
	const struct relay_threads *threads = here->threads;
	unsigned own = relays_load(here);
	struct relays *best = here;
	unsigned least = own;

	for (unsigned i = 0; i < threads->n; i++) {
		unsigned load = relays_load(threads->relays[i]);

		if (load < least) {
			least = load;
			best = threads->relays[i];
		}
	}
	return own > least + least / 4 ? best : here;
}

static void adopt(struct relays *here, struct relay *r)
{
	r->relays = here;
	atomic_fetch_add_explicit(&here->load, 1, memory_order_relaxed);
	list_insert(&here->open, &r->link);
	if (watch_add(here->loop, &r->ends[0].watch, END_EVENTS) < 0 ||
	    watch_add(here->loop, &r->ends[1].watch, END_EVENTS) < 0)
		relay_close(r, true);
}

/* letter.read */
static void arrive(struct letter *letter)
{
	struct relay *r = CONTAINER(letter, struct relay, letter);
	struct share *share = r->slot.share;

	adopt(r->relays, r);
	if (!r->dead && !share_arrive(&r->slot, r->relays->index))
		relay_close(r, true);
	share_unref(share);
}

static void pass_to_thread(struct relay *r, struct relays *to)
{
	r->relays = to;
	share_ref(r->slot.share);
	mail_post(to->mail, &r->letter, arrive);
}

/* Connect @r to the target. Returns false if that fails at once. */
static bool connect_target(const struct target *target, struct relay *r,
			   const union endpoint *client, int64_t now_ms)
{
	int fd = r->ends[1].watch.fd, rc = target_bind(target, fd, client);

	if (endpoint_is_loopback(client))
		socket_stays_here(r->ends[0].watch.fd);
	if (rc >= 0)
		rc = target_connect(target, fd);
	if (rc == 0 || rc == -EINPROGRESS)
		return true;
	target_complain(target, rc, now_ms);
	return false;
}

enum share_answer relay_open(struct relays *here, struct share *share, const struct target *target,
			     const union endpoint *client, int client_fd, int target_fd)
{
	struct relay *r = relay_new(client_fd, target_fd);
	struct relays *to = choose_thread(here);
	enum share_answer answer = SHARE_REFUSED;
	int wake = -1;

	if (r)
		r->ends[1].partial = target->child.sa.sa_family == AF_UNIX;
	if (r)
		answer = share_enter(share, client, &r->slot, here->index, to->index,
				     here->loop->now_ms, &wake);
	if (answer != SHARE_ENTERED) {
		free(r);
		return answer;
	}
	if (wake >= 0)
		mail_wake(here->threads->relays[wake]->mail);
	counter_add(&here->counters[share->counter].connections, 1);
	if (!connect_target(target, r, client, here->loop->now_ms)) {
		leave(here, r);
		fd_close(client_fd);
		fd_close(target_fd);
		free(r);
	} else if (to == here) {
		adopt(here, r);
	} else {
		pass_to_thread(r, to);
	}
	return SHARE_ENTERED;
}

void relays_close_port(struct relays *rs, const struct share *share)
{
	struct relay *r, *next;

	LIST_EACH_SAFE (r, next, &rs->open, link)
		if (r->slot.share == share)
			relay_close(r, true);
}

void relays_displaced(struct relays *rs)
{
	struct share_slot *slot;

	while ((slot = shares_displaced(rs->threads->shares, rs->index)))
		relay_close(CONTAINER(slot, struct relay, slot), true);
}

int relays_receiver(const struct relays *rs)
{
	const struct relay *r = LIST_FIRST(&rs->open, struct relay, link);

	if (!r || r != LIST_LAST(&rs->open, struct relay, link))
		return -1;
	for (int from = 0; from < 2; from++)
		if (r->streams[from].bulk)
			return r->ends[!from].watch.fd;
	return -1;
}

unsigned relays_load_of_all(const struct relays *rs)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < rs->threads->n; i++)
		sum += relays_load(rs->threads->relays[i]);
	return sum;
}

int relays_init(struct relays *rs, unsigned index, struct loop *loop, struct mailbox *mail,
		struct counter *counters, const struct relay_threads *threads, unsigned max_pipes)
{
	rs->index = index;
	rs->loop = loop;
	rs->mail = mail;
	rs->counters = counters;
	rs->threads = threads;
	list_init(&rs->open);
	list_init(&rs->ready);
	list_init(&rs->dead);
	return mover_init(&rs->mover, loop, max_pipes);
}

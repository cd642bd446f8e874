/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A relay joins a client's connection and one to the target: two descriptors, two streams. epoll
 * reports edges, remembered in the ends' flags, so an established relay costs no epoll_ctl(2).
 * EPOLLOUT is asked for when a send has first been refused: a socket that is still connecting
 * refuses likewise, so the completion of connect() needs no event of its own, and its failure shows
 * as an error on receiving.
 *
 * End of file passes on as shutdown(2). Anything else that ends a connection ends the other with a
 * reset, as the peer would see without us: a target that refuses the connection is a reset to the
 * client. Both sockets come with SO_LINGER of 0 (man 7 socket), so that our own death is a reset,
 * too: end of file would claim that all has been said.
 *
 * A relay has a place in the share of its port from before it is made until it is closed
 * (shares.c); another client may displace it.
 *
 * A new relay stays with the thread that accepted it unless that has more than its share: a few
 * long-lived connections are spread evenly, many short ones are not passed around.
 */
#include "worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/macro.h"

/* All has been said, both ways: close(2) may do without the reset. */
static void set_orderly(int fd)
{
	static const struct linger none = {.l_onoff = 0};

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
}

/* Give up the place of @r; a client that waits for one may ask again. */
static void leave(struct worker *w, struct relay *r)
{
	int waiter = share_leave(&r->slot);

	if (waiter == (int)w->index)
		w->retry = true;
	else if (waiter >= 0)
		worker_wake(&w->forwarder->workers[waiter]);
}

/* Close @r and bury it. */
static void relay_close(struct worker *w, struct relay *r, bool reset)
{
	r->dead = true;
	leave(w, r);
	for (int i = 0; i < 2; i++) {
		stream_clear(w, &r->streams[i]);
		if (!reset)
			set_orderly(r->ends[i].watch.fd);
	}
	/* The agent may still hold its reference to the target's end, and then close() would leave
	 * it in the epoll set, naming a relay that is no more. */
	watch_remove(w, &r->ends[1].watch);
	for (int i = 0; i < 2; i++)
		r->ends[i].watch.fd = fd_close(r->ends[i].watch.fd);
	list_remove(&r->ready);
	list_remove(&r->link);
	list_insert(&w->dead, &r->link);
	atomic_fetch_sub_explicit(&w->load, 1, memory_order_relaxed);
	w->supply.retry_ms = 0;
	listeners_resume(w);
}

void relays_bury(struct worker *w)
{
	while (!list_empty(&w->dead)) {
		struct relay *r = CONTAINER(w->dead.next, struct relay, link);

		list_remove(&r->link);
		free(r);
	}
}

void relay_turn(struct worker *w, struct relay *r)
{
	bool yields = false;
	int done = 0;

	list_remove(&r->ready);
	for (unsigned direction = 0; direction < 2; direction++) {
		switch (stream_move(w, r, direction)) {
		case STREAM_BROKEN:
			relay_close(w, r, true);
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
		relay_close(w, r, false);
	else if (yields)
		list_insert(&w->ready, &r->ready);
}

void relay_event(struct worker *w, struct end *end, uint32_t events)
{
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
	/* A reset after its end of file: no read would tell us any more. */
	if ((events & EPOLLERR) && r->streams[end->index].done)
		relay_close(w, r, true);
	else
		relay_turn(w, r);
}

static struct relay *relay_new(int client_fd, int target_fd)
{
	struct relay *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	for (uint8_t i = 0; i < 2; i++) {
		r->ends[i].watch.fd = i == 0 ? client_fd : target_fd;
		r->ends[i].watch.type = WATCH_RELAY;
		r->ends[i].index = i;
		r->ends[i].writable = true;
		r->streams[i].pipe = (struct pipe){-1, -1};
	}
	list_init(&r->ready);
	list_init(&r->link);
	list_init(&r->slot.link);
	return r;
}

/* The worker that a new relay of @w goes to. */
static struct worker *place(struct worker *w)
{
	struct forwarder *f = w->forwarder;
	unsigned own = atomic_load_explicit(&w->load, memory_order_relaxed);
	struct worker *best = w;
	unsigned least = own;

	for (unsigned i = 0; i < f->n_workers; i++) {
		unsigned load = atomic_load_explicit(&f->workers[i].load, memory_order_relaxed);

		if (load < least) {
			least = load;
			best = &f->workers[i];
		}
	}
	return own > least + least / 4 ? best : w;
}

static void adopt(struct worker *w, struct relay *r)
{
	atomic_fetch_add_explicit(&w->load, 1, memory_order_relaxed);
	worker_grown(w);
	list_insert(&w->relays, &r->link);
	if (watch_add(w, &r->ends[0].watch, END_EVENTS) < 0 ||
	    watch_add(w, &r->ends[1].watch, END_EVENTS) < 0)
		relay_close(w, r, true);
}

/* Adopt @r, which was on its way between workers. */
static void settle(struct worker *w, struct relay *r)
{
	adopt(w, r);
	if (!r->dead && !share_settle(&r->slot, w->index))
		relay_close(w, r, true);
}

void relay_arrive(struct worker *w, struct relay *r, struct listener *l)
{
	settle(w, r);
	/* The letter to leave may have been read before this one; else it is still to come. */
	if (atomic_load(&l->removed))
		relays_close_port(w, l->share);
	listener_release(l);
}

/* Hand @r to another worker, as a user of @l: the removal of the port waits until it has arrived.
 * Returns 0 or -ENOMEM. */
static int send_relay(struct worker *to, struct relay *r, struct listener *l)
{
	struct letter letter = {.type = LETTER_RELAY, .arrival = {r, l}};
	int rc;

	atomic_fetch_add(&l->users, 1);
	rc = worker_post(to, &letter);
	/* Never the last user: the one that has accepted has not left yet. */
	if (rc < 0)
		listener_release(l);
	return rc;
}

/* Connect @r to the target. Returns false where that has failed at once. */
static bool connect_target(const struct listener *l, struct relay *r, const union endpoint *client)
{
	int fd = r->ends[1].watch.fd;

	if (endpoint_is_loopback(client))
		socket_stays_here(r->ends[0].watch.fd);
	return listener_source(l, fd, client) != SOURCE_REFUSED &&
	       (connect(fd, &l->destination->sa, endpoint_size(&l->child)) == 0 ||
		errno == EINPROGRESS);
}

enum share_answer relay_open(struct worker *w, struct listener *l, int client_fd,
			     const union endpoint *client, int target_fd)
{
	struct relay *r = relay_new(client_fd, target_fd);
	struct worker *to = place(w);
	enum share_answer answer = SHARE_REFUSED;
	int wake = -1;

	if (r)
		answer = share_enter(l->share, client, &r->slot, w->index, to->index, w->now_ms,
				     &wake);
	if (answer != SHARE_ENTERED) {
		free(r);
		return answer;
	}
	if (wake >= 0)
		worker_wake(&w->forwarder->workers[wake]);
	if (!connect_target(l, r, client)) {
		leave(w, r);
		fd_close(client_fd);
		fd_close(target_fd);
		free(r);
	} else if (to == w) {
		adopt(w, r);
	} else if (send_relay(to, r, l) < 0) {
		settle(w, r);
	}
	return SHARE_ENTERED;
}

void relays_close_port(struct worker *w, const struct share *share)
{
	struct list *next;

	for (struct list *at = w->relays.next; at != &w->relays; at = next) {
		struct relay *r = CONTAINER(at, struct relay, link);

		next = at->next;
		if (r->slot.share == share)
			relay_close(w, r, true);
	}
}

void relays_displaced(struct worker *w)
{
	struct share_slot *slot;

	while ((slot = shares_displaced(&w->forwarder->shares, w->index)))
		relay_close(w, CONTAINER(slot, struct relay, slot), true);
}

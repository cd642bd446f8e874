/* SPDX-License-Identifier: Apache-2.0 */
/* The listening sockets of published ports: see listener.c. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "fauxroot/base/list.h"
#include "loop.h"
#include "mail.h"
#include "protocol.h"
#include "relay.h"
#include "scarce.h"
#include "shares.h"
#include "supply.h"
#include "udp.h"

/* What a thread listens to, and what it does with clients. */
struct listeners {
	unsigned index, threads; /* of the thread; how many there are */
	struct loop *loop;
	struct mailbox *mail;
	struct supply *supply;
	struct relays *relays;
	struct udp *udp;
	struct scarce *scarce;
	struct list seats;
	bool resting; /* some seats are not watched */
};

/* A thread's part in a listener. */
struct seat {
	struct watch watch;	/* the listener's descriptor */
	struct letter letter;	/* to join, later to leave */
	struct list link;	/* in listeners.seats; self-linked: the thread does not listen */
	struct listeners *here; /* the thread's */
	struct listener *listener;
	bool watched;
	int waiting; /* a client that has been accepted, and may have to go again; -1: none */
	union endpoint client;
};

/*
 * One listening socket. All threads watch that of TCP; that of UDP has one, which keeps the order
 * of a client's datagrams.
 */
struct listener {
	struct list link; /* the caller's, until the first thread leaves */
	uint32_t id;	  /* of the port */
	bool udp;
	struct udp_port port; /* of TCP, all but what concerns datagrams */
	struct share *share;  /* the port's, which its listeners have in common */
	atomic_uint users;    /* threads that have not left: the last frees it */
	void (*joined)(void *arg, int rc);
	void *arg;
	struct seat seats[]; /* by index of the thread */
};

/*
 * listener_new() - a listener that no thread watches yet
 * @id: of the port
 * @add: what is to be done with clients; it has passed control_check_order()
 * @fd: the socket, which becomes the listener's
 * @threads: how many threads there are
 * @joined: called with @arg in each thread: 0, or -errno where the thread cannot watch it
 *
 * The caller sets .share before the first listener_join(). Returns NULL where memory is short; @fd
 * stays the caller's then.
 */
struct listener *listener_new(uint32_t id, const struct control_add *add, int fd, unsigned threads,
			      void (*joined)(void *arg, int rc), void *arg);

/* listener_drop() - free @l, which no thread has joined, with its socket; accepts NULL */
void listener_drop(struct listener *l);

/*
 * listener_join() - let the thread of @ls take part; @joined tells how that ended
 * listener_leave() - let it leave, once it has joined or could not, and end its connections
 *
 * From any thread. When all threads have left, the listener is freed and share_close() called.
 */
void listener_join(struct listener *l, struct listeners *ls);
void listener_leave(struct listener *l);

/*
 * listeners_resume() - accept again where that was not possible: after loop.room_made, and a few
 * times a second while .resting, because other threads free descriptors, too
 */
void listeners_resume(struct listeners *ls);

/* SPDX-License-Identifier: Apache-2.0 */
/* The listening sockets of published ports: see listener.c. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "fauxroot/base/list.h"
#include "loop.h"
#include "mail.h"
#include "paths.h"
#include "protocol.h"
#include "relay.h"
#include "loglimit.h"
#include "shares.h"
#include "supply.h"
#include "udp.h"

/* The listeners of a thread, and the parts of the thread that serve clients. */
struct listeners {
	unsigned index, threads; /* index of the thread; number of threads */
	struct loop *loop;
	struct mailbox *mail;
	struct supply *supply;
	struct relays *relays;
	struct udp *udp;
	struct log_limit *shortages;
	struct paths *paths;
	struct list seats;
	struct list connecting; /* clients of UNIX sockets: struct arrival */
	bool paused;		/* some seats are not watched */
};

/* A seat: the state that one thread has for one listener. */
struct seat {
	struct watch watch;	/* the listener's descriptor */
	struct letter letter;	/* to join, later to leave */
	struct list link;	/* in listeners.seats; self-linked: the thread does not listen */
	struct listeners *here; /* the thread's */
	struct listener *listener;
	bool watched;
	unsigned connecting; /* clients in listeners.connecting */
	int waiting; /* an accepted client that share_enter() has not admitted yet; -1: none */
	union endpoint client; /* its address */
};

/*
 * One listening socket. All threads watch a TCP listener. Only one thread watches a UDP listener,
 * so the datagrams of a client keep their order.
 */
struct listener {
	struct list link; /* belongs to the caller, until the first thread leaves */
	uint32_t id;	  /* of the port */
	bool udp;
	pthread_mutex_t order;	     /* held from accept4(2) to connect(2): keeps their order */
	struct udp_port port;	     /* with TCP, the fields for datagrams are unused */
	struct log_limit complaints; /* about the target */
	struct share *share;	     /* the port's; its listeners have it in common */
	atomic_uint users; /* threads that have not left: the last one frees the listener */
	void (*joined)(void *arg, int rc);
	void *arg;
	struct seat seats[]; /* by index of the thread */
};

/*
 * listener_new() - create a listener that no thread watches yet
 * @id: of the port
 * @add: how to relay clients; it has passed control_check_order()
 * @fd: the socket; the listener takes it over
 * @threads: number of threads
 * @joined: called with @arg in each thread: 0, or -errno if the thread cannot watch the socket
 *
 * The caller sets .share before the first listener_join(). Returns NULL if memory is short; @fd
 * still belongs to the caller then.
 */
struct listener *listener_new(uint32_t id, const struct control_add *add, int fd, unsigned threads,
			      void (*joined)(void *arg, int rc), void *arg);

/* listener_drop() - free @l and its socket; no thread has joined it. Accepts NULL */
void listener_drop(struct listener *l);

/*
 * listener_join() - let the thread of @ls join the listener; @joined gets the result
 * listener_leave() - let all threads leave the listener and close its connections
 *
 * Call listener_leave() after @joined was called for every thread. Both may be called from any
 * thread. When all threads have left, the listener is freed and share_close() is called.
 */
void listener_join(struct listener *l, struct listeners *ls);
void listener_leave(struct listener *l);

/*
 * listeners_resume() - accept again on the paused listeners
 *
 * Call it after loop.room_made, and several times a second while .paused is set: other threads free
 * descriptors, too.
 */
void listeners_resume(struct listeners *ls);

/* listeners_tick() - once a second while .connecting has clients: reset clients that wait too
 * long */
void listeners_tick(struct listeners *ls);

/* SPDX-License-Identifier: Apache-2.0 */
/* Relayed TCP connections. One thread owns each of them: see relay.c. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include "counters.h"
#include "fauxroot/base/list.h"
#include "loop.h"
#include "mail.h"
#include "protocol.h"
#include "shares.h"
#include "stream.h"
#include "target.h"

/* The relays of a thread. */
struct relays {
	unsigned index; /* of the thread */
	struct loop *loop;
	struct mailbox *mail;
	struct counter *counters; /* the thread's, by slot */
	const struct relay_threads *threads;
	struct mover mover;
	struct list open;
	struct list ready; /* relays with work left: see relays_turn() */
	struct list dead;  /* closed relays, freed after the batch of events */
	atomic_uint load;  /* number of open relays */
};

/* The relays of all threads, by index. */
struct relay_threads {
	struct shares *shares;
	unsigned n;
	struct relays *relays[MAX_WORKERS];
};

/*
 * relays_init() - start without relays
 * @index: of the thread
 * @loop, @mail: the thread's
 * @counters: the thread's, by slot of the port (counters.h)
 * @max_pipes: maximum number of pipes that the thread may borrow at once
 *
 * A relay that is closed sets @loop->room_made. Returns 0 or -errno.
 */
int relays_init(struct relays *rs, unsigned index, struct loop *loop, struct mailbox *mail,
		struct counter *counters, const struct relay_threads *threads, unsigned max_pipes);

/*
 * relay_open() - relay between an accepted client and the target
 * @here: of the accepting thread; the relay may be passed to another thread
 * @share: the port's
 * @client: the client's address
 * @client_fd: the accepted socket
 * @target_fd: a socket towards the child, not connected yet
 *
 * With SHARE_ENTERED both descriptors belong to the relay, even if it has failed at once. Otherwise
 * they still belong to the caller.
 */
enum share_answer relay_open(struct relays *here, struct share *share, const struct target *target,
			     const union endpoint *client, int client_fd, int target_fd);

/* relays_turn() - give one turn to each relay that had work left after its last turn */
void relays_turn(struct relays *rs);

/* relays_close_port() - reset the thread's relays of the port of @share */
void relays_close_port(struct relays *rs, const struct share *share);

/* relays_displaced() - reset the relays that another client has displaced (shares.h) */
void relays_displaced(struct relays *rs);

/* relays_free_dead() - free closed relays; call it when no event of the batch can belong to them */
void relays_free_dead(struct relays *rs);

/* relays_receiver() - if the thread has one relay: the socket to which its bulk transfer goes; else
 * -1 */
int relays_receiver(const struct relays *rs);

/*
 * relays_load() - number of open relays of the thread
 * relays_load_of_all() - number of open relays in all threads
 *
 * From any thread.
 */
unsigned relays_load(const struct relays *rs);
unsigned relays_load_of_all(const struct relays *rs);

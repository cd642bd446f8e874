/* SPDX-License-Identifier: Apache-2.0 */
/* TCP connections that are relayed, each by one thread: see relay.c. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

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
	const struct relay_threads *threads;
	struct mover mover;
	struct list open;
	struct list ready; /* with work left that is to be done after the batch of events */
	struct list dead;  /* to be freed then */
	atomic_uint load;  /* how many are open */
};

/* Those of all threads, by index. */
struct relay_threads {
	struct shares *shares;
	unsigned n;
	struct relays *relays[MAX_WORKERS];
};

/*
 * relays_init() - none
 * @index: of the thread
 * @loop, @mail: the thread's
 * @max_pipes: that the thread may borrow at once
 *
 * In @loop, a relay that ends sets room_made. Returns 0 or -errno.
 */
int relays_init(struct relays *rs, unsigned index, struct loop *loop, struct mailbox *mail,
		const struct relay_threads *threads, unsigned max_pipes);

/*
 * relay_open() - relay between a client that has been accepted and the target
 * @here: the accepting thread's; the relay may become another thread's
 * @share: the port's
 * @client: the client's address
 * @client_fd: the accepted socket
 * @target_fd: a socket towards the child, not connected yet
 *
 * With SHARE_ENTERED both descriptors are the relay's, also where it has failed at once. Else they
 * stay the caller's.
 */
enum share_answer relay_open(struct relays *here, struct share *share, const struct target *target,
			     const union endpoint *client, int client_fd, int target_fd);

/* relays_turn() - one turn for each relay that had more to do than its turn allowed */
void relays_turn(struct relays *rs);

/* relays_close_port() - reset the thread's relays of the port of @share */
void relays_close_port(struct relays *rs, const struct share *share);

/* relays_displaced() - reset those whose place another client has taken (shares.h) */
void relays_displaced(struct relays *rs);

/* relays_bury() - free the dead, once no event of the batch can belong to them */
void relays_bury(struct relays *rs);

/* relays_load(), relays_load_of_all() - how many are open; in all threads. From any thread */
unsigned relays_load(const struct relays *rs);
unsigned relays_load_of_all(const struct relays *rs);

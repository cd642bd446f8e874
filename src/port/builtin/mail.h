/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Letters: messages from one thread of the forwarder to another.
 *
 * A letter is a member of the object that it is about, and is in one mailbox at a time. So posting
 * a letter allocates no memory and cannot fail.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>

#include "loop.h"

struct letter {
	struct letter *next;
	void (*read)(
		struct letter *letter); /* called in the receiving thread; may free the letter */
};

struct mailbox {
	struct watch watch; /* an eventfd that wakes the thread */
	bool woken;	    /* used by the thread: read the box after this batch of events */
	pthread_mutex_t lock;
	struct letter *first, **end;
};

/* mail_init() - create an empty box for the thread that runs @loop; 0 or -errno */
int mail_init(struct mailbox *box, struct loop *loop);

/*
 * mail_post() - pass @letter to the thread of @box, which calls @read; from any thread
 *
 * That thread then owns the parts of the object that @read uses.
 */
void mail_post(struct mailbox *box, struct letter *letter, void (*read)(struct letter *letter));

/* mail_wake() - make the next mail_read() of @box return true; from any thread */
void mail_wake(struct mailbox *box);

/*
 * mail_read() - read all letters, in the order in which they were posted
 *
 * Call it in the box's thread, after loop_turn(): an object that a letter frees may have events in
 * the batch. Returns true if there were letters, or mail_wake() was called.
 */
bool mail_read(struct mailbox *box);

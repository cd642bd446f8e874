/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Letters from one thread to another.
 *
 * A letter is a member of the object that it is about, and is in one mailbox at a time. So posting
 * one needs no memory and cannot fail.
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
	struct watch watch; /* an eventfd, which wakes the thread */
	bool rung;	    /* the thread's: look into the box after this batch of events */
	pthread_mutex_t lock;
	struct letter *first, **end;
};

/* mail_init() - an empty box whose thread runs @loop; 0 or -errno */
int mail_init(struct mailbox *box, struct loop *loop);

/*
 * mail_post() - hand @letter over to the thread of @box, which calls @read; from any thread
 *
 * What the letter is a member of belongs to that thread from now on, as far as @read says.
 */
void mail_post(struct mailbox *box, struct letter *letter, void (*read)(struct letter *letter));

/* mail_wake() - from any thread: let mail_read() of the thread of @box return true */
void mail_wake(struct mailbox *box);

/*
 * mail_read() - read all letters in the order in which they came
 *
 * Call it in the box's thread, after loop_turn(): what a letter frees may have events in the batch.
 * Returns true where there were letters, or mail_wake() was called.
 */
bool mail_read(struct mailbox *box);

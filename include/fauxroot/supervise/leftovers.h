/* SPDX-License-Identifier: Apache-2.0 */
/* --kill-orphans: the processes that the target has left behind. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct children;
struct error;
struct event;
struct event_base;

/* The fields are private to leftovers.c. */
struct leftovers {
	bool kill;	  /* --kill-orphans */
	unsigned timeout; /* in seconds, from SIGTERM to SIGKILL */
	struct event_base *base;
	const struct children *children;
	struct event *on_due;
	pid_t *strangers; /* children from before the launch */
	size_t n_strangers;
	enum { LEFTOVERS_NONE = 0, LEFTOVERS_TERMINATED, LEFTOVERS_KILLED } state;
};

/*
 * leftovers_open() - before the target exists: record the children that exist already
 * @kill: false: record nothing, and leave all processes alone
 *
 * They are not the target's and are not signalled. Returns 0 or -errno.
 */
int leftovers_open(struct leftovers *l, bool kill, struct error *err);

/*
 * leftovers_supervise() - before the event loop runs
 * @base: its loop ends with event_base_loopbreak(3) when nothing is left
 * @children: our own processes, which are not signalled either; must outlive @l
 * @timeout: seconds between SIGTERM and SIGKILL
 *
 * Returns 0 or -ENOMEM.
 */
int leftovers_supervise(struct leftovers *l, struct event_base *base,
			const struct children *children, unsigned timeout, struct error *err);

/*
 * leftovers_check() - call it when the target, or later any other child, has been reaped
 *
 * Terminates the leftover processes, if they are to be killed and there are any. Otherwise it ends
 * the event loop.
 */
void leftovers_check(struct leftovers *l);

/* leftovers_on_signal() - the signal @sig came after the target's exit: if it is a terminating one,
 * kill the leftover processes at once */
void leftovers_on_signal(struct leftovers *l, int sig);

/* leftovers_clear() - free the event; call it before the event base is freed */
void leftovers_clear(struct leftovers *l);

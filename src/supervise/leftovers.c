/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * --kill-orphans: when the target has exited, terminate the processes that it has left behind.
 *
 *	target exits       timeout, or a          last one reaped,
 *	  SIGTERM ───────▶ terminating signal ──▶ or timeout
 *	                   SIGKILL                the loop ends
 *
 * Meanwhile the event loop continues: the leftover processes have network, ports and API until they
 * exit. Children that existed before the launch are not the target's (a shell with children may
 * have executed the launcher). They are not signalled, and neither are helpers and hanging runners.
 */
#include "fauxroot/supervise/leftovers.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/log.h"
#include "fauxroot/proc/children.h"
#include "fauxroot/supervise/orphans.h"
#include "fauxroot/supervise/signals.h"

/* Wait so many seconds after SIGKILL: a process that still exists is blocked in the kernel, or we
 * may not signal it. */
#define KILLED_S 2

/* Callback of orphans_signal(): spare children that are not the target's. */
static bool is_spared(void *arg, pid_t pid)
{
	const struct leftovers *l = arg;

	for (size_t i = 0; i < l->n_strangers; i++)
		if (l->strangers[i] == pid)
			return true;
	return children_has(l->children, pid);
}

/* Callback of orphans_signal(), before the clone: record every child. */
static bool is_stranger(void *arg, pid_t pid)
{
	struct leftovers *l = arg;
	pid_t *more = realloc(l->strangers, (l->n_strangers + 1) * sizeof(pid));

	if (more) {
		l->strangers = more;
		l->strangers[l->n_strangers++] = pid;
	}
	return true;
}

/* Send @sig to all leftover processes. Returns their number; 0 after a failure, which is logged. */
static int signal_all(struct leftovers *l, int sig)
{
	struct error err;
	int n = orphans_signal(sig, is_spared, l, &err);

	if (n >= 0)
		return n;
	log_warning("%s", err.text);
	return 0;
}

static void done(struct leftovers *l)
{
	event_base_loopbreak(l->base);
}

static void set_timer(struct leftovers *l, unsigned seconds)
{
	const struct timeval due = timeval_ms(seconds * 1000LL);

	if (event_add(l->on_due, &due) < 0)
		done(l);
}

static void kill_all(struct leftovers *l)
{
	l->state = LEFTOVERS_KILLED;
	if (signal_all(l, SIGKILL) == 0)
		done(l);
	else
		set_timer(l, KILLED_S);
}

static void on_leftovers(evutil_socket_t fd, short what, void *arg)
{
	struct leftovers *l = arg;

	(void)fd;
	(void)what;
	if (l->state == LEFTOVERS_KILLED) {
		log_warning("%d of the command's processes cannot be killed", signal_all(l, 0));
		done(l);
		return;
	}
	log_warning("%d of the command's processes did not exit within %u s; killing them",
		    signal_all(l, 0), l->timeout);
	kill_all(l);
}

int leftovers_open(struct leftovers *l, bool kill, struct error *err)
{
	int n;

	*l = (struct leftovers){.kill = kill};
	n = kill ? orphans_signal(0, is_stranger, l, err) : 0;
	return MIN(n, 0);
}

int leftovers_supervise(struct leftovers *l, struct event_base *base,
			const struct children *children, unsigned timeout, struct error *err)
{
	l->base = base;
	l->children = children;
	l->timeout = timeout;
	l->on_due = event_new(base, -1, 0, on_leftovers, l);
	return l->on_due ? 0 : err_set(err, ENOMEM, "setting up the event loop");
}

static void begin(struct leftovers *l)
{
	if (!l->kill || signal_all(l, SIGTERM) == 0) {
		done(l);
		return;
	}
	log_info("the command has left processes behind; terminating them");
	l->state = LEFTOVERS_TERMINATED;
	set_timer(l, l->timeout);
}

void leftovers_check(struct leftovers *l)
{
	if (l->state == LEFTOVERS_NONE)
		begin(l);
	/* Signal them again: a process may have been forked during the first pass. */
	else if (signal_all(l, l->state == LEFTOVERS_KILLED ? SIGKILL : 0) == 0)
		done(l);
}

void leftovers_on_signal(struct leftovers *l, int sig)
{
	if (l->state == LEFTOVERS_TERMINATED && signal_terminates(sig))
		kill_all(l);
}

void leftovers_clear(struct leftovers *l)
{
	if (l->on_due)
		event_free(TAKE_PTR(l->on_due));
	free(TAKE_PTR(l->strangers));
}

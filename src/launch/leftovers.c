/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * --kill-orphans: the target has ended, and what it has left behind is to follow it.
 *
 *	target ends        timeout, or a          the last is reaped,
 *	  SIGTERM ───────▶ terminating signal ──▶ or that is late
 *	                   SIGKILL                the loop ends
 *
 * The event loop goes on meanwhile: network, ports and API serve the left-over ones to their end.
 * Children that were there before the launcher began (a shell has executed it) are not the
 * target's, and are left alone, as are helpers, and runners of ours that hang in the kernel.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/log.h"
#include "fauxroot/supervise/orphans.h"
#include "launch.h"

/* What has been sent SIGKILL and is not gone after this sleeps in the kernel, or is out of reach.
 */
#define KILLED_S 2

/* orphans_signal(): is this child not the target's? */
static bool is_spared(void *arg, pid_t pid)
{
	const struct launch *l = arg;

	for (size_t i = 0; i < l->leftovers.n_strangers; i++)
		if (l->leftovers.strangers[i] == pid)
			return true;
	return children_has(&l->children, pid);
}

/* orphans_signal(): before there are any others. */
static bool is_stranger(void *arg, pid_t pid)
{
	struct launch *l = arg;
	pid_t *more = realloc(l->leftovers.strangers, (l->leftovers.n_strangers + 1) * sizeof(pid));

	if (more) {
		l->leftovers.strangers = more;
		l->leftovers.strangers[l->leftovers.n_strangers++] = pid;
	}
	return true;
}

/* Send @sig to all that are left. Returns how many; a failure is told, and counts as none. */
static int tell(struct launch *l, int sig)
{
	struct error err;
	int n = orphans_signal(sig, is_spared, l, &err);

	if (n >= 0)
		return n;
	log_warning("%s", err.text);
	return 0;
}

static void done(struct launch *l)
{
	event_base_loopbreak(l->serve.base);
}

static void set_timer(struct launch *l, unsigned seconds)
{
	const struct timeval due = {.tv_sec = seconds};

	if (event_add(l->leftovers.on_due, &due) < 0)
		done(l);
}

static void kill_all(struct launch *l)
{
	l->leftovers.state = LEFTOVERS_KILLED;
	if (tell(l, SIGKILL) == 0)
		done(l);
	else
		set_timer(l, KILLED_S);
}

static void on_leftovers(evutil_socket_t fd, short what, void *arg)
{
	struct launch *l = arg;

	(void)fd;
	(void)what;
	if (l->leftovers.state == LEFTOVERS_KILLED) {
		log_warning("%d of the command's processes cannot be killed", tell(l, 0));
		done(l);
		return;
	}
	log_warning("%d of the command's processes have not ended in %u s; killing them",
		    tell(l, 0), l->config->kill_timeout);
	kill_all(l);
}

int leftovers_note_strangers(struct launch *l, struct error *err)
{
	int n = l->config->kill_orphans ? orphans_signal(0, is_stranger, l, err) : 0;

	return MIN(n, 0);
}

int leftovers_prepare(struct launch *l, struct error *err)
{
	l->leftovers.on_due = event_new(l->serve.base, -1, 0, on_leftovers, l);
	return l->leftovers.on_due ? 0 : err_set(err, ENOMEM, "setting up the event loop");
}

static void begin(struct launch *l)
{
	if (!l->config->kill_orphans || tell(l, SIGTERM) == 0) {
		done(l);
		return;
	}
	log_info("the command has left processes behind; ending them");
	l->leftovers.state = LEFTOVERS_ASKED;
	set_timer(l, l->config->kill_timeout);
}

void leftovers_look(struct launch *l)
{
	if (l->leftovers.state == LEFTOVERS_NONE)
		begin(l);
	/* Again: one may have been forked while the others were told. */
	else if (tell(l, l->leftovers.state == LEFTOVERS_KILLED ? SIGKILL : 0) == 0)
		done(l);
}

void leftovers_hurry(struct launch *l, int sig)
{
	if (l->leftovers.state == LEFTOVERS_ASKED && signal_terminates(sig))
		kill_all(l);
}

void leftovers_clear(struct launch *l)
{
	if (l->leftovers.on_due)
		event_free(TAKE_PTR(l->leftovers.on_due));
	free(TAKE_PTR(l->leftovers.strangers));
}

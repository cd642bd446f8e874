/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals: blocked at the very start, read from a signalfd, passed on to the target.
 *
 * Nothing is handled asynchronously. What arrives during the launch stays pending until the event
 * loop reads it, so no signal is lost; the terminating ones also end every wait of the launch.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <sys/signalfd.h>

#include "fauxroot/base/spawn.h"

struct error;

struct signals {
	sigset_t caller_mask; /* what the target gets back */
	int all;	      /* non-blocking signalfd(2) of every signal */
	int cancel;	      /* signalfd of those that end a launch; to be polled, never read */
};

/*
 * signals_block() - block all signals and open both descriptors
 *
 * SIGCHLD, which the caller may have ignored, is set to its default: an ignored SIGCHLD would make
 * our children vanish unreaped (man 2 sigaction). Other ignored signals stay so, for the target.
 * Returns 0 or -errno.
 */
int signals_block(struct signals *ret, struct error *err);

void signals_close(struct signals *signals);

/* signals_restore() - in the child, before it becomes the target: the caller's own mask */
void signals_restore(const struct signals *signals);

/* signal_terminates() - does @sig mean "end", and has the caller not had it ignored? */
bool signal_terminates(int sig);

/* signals_pending_end() - the terminating signal that is pending now, 0 for none */
int signals_pending_end(void);

/* signals_read() - take one from @signals->all; false when there is none */
bool signals_read(const struct signals *signals, struct signalfd_siginfo *ret);

/*
 * signal_forward() - pass @info on to the target
 *
 * Not what the target has already: a signal that the terminal sent to our process group while the
 * target is in it, and not a SIGPIPE of our own. A value queued with sigqueue(3) goes along.
 */
void signal_forward(const struct signalfd_siginfo *info, const struct process *target);

/* signal_words() - "user defined signal 1" into @buf; returns @buf */
const char *signal_words(int sig, char *buf, size_t size);

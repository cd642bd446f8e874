/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals: blocked at the very start, read from a signalfd, forwarded to the target.
 *
 * There are no signal handlers. A signal that arrives during the launch stays pending until the
 * event loop reads it, so no signal is lost. A terminating signal also ends every wait of the
 * launch.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <sys/signalfd.h>

#include "fauxroot/base/spawn.h"

struct error;

struct signals {
	sigset_t caller_mask; /* the target gets this mask again */
	int all;	      /* non-blocking signalfd(2) of every signal */
	int cancel; /* signalfd of the signals that end a launch; poll it, never read it */
};

/*
 * signals_block() - block all signals and open both descriptors
 *
 * Sets SIGCHLD to its default action, because the caller may have ignored it: then the kernel would
 * reap our children itself (man 2 sigaction). Other ignored signals stay ignored, for the target.
 * Returns 0 or -errno.
 */
int signals_block(struct signals *ret, struct error *err);

/* signals_close() - close both descriptors; the signals stay blocked */
void signals_close(struct signals *signals);

/* signals_restore() - set the caller's signal mask again; in the child, before it becomes the
 * target */
void signals_restore(const struct signals *signals);

/* signal_terminates() - is @sig a request to terminate, and not ignored by the caller? */
bool signal_terminates(int sig);

/* signals_pending_end() - a terminating signal that is pending now; 0 for none */
int signals_pending_end(void);

/* signals_read() - read one signal from @signals->all; false if none is pending */
bool signals_read(const struct signals *signals, struct signalfd_siginfo *ret);

/*
 * signal_forward() - forward the signal @info to the target, with a value queued by sigqueue(3)
 *
 * Does not forward SIGCHLD, our own SIGPIPE, and a signal that the target has already received: one
 * that the terminal sent to our process group while the target is in that group.
 */
void signal_forward(const struct signalfd_siginfo *info, const struct process *target);

/* signal_words() - describe @sig in @buf, as in "user defined signal 1"; returns @buf */
const char *signal_words(int sig, char *buf, size_t size);

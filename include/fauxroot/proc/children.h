/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of the launcher's own children, which reaps all children and calls back for ours.
 *
 * - A fork of ours, wherever it is made, is in the table before anything else can happen: the fork
 *   itself puts it there (base/forks.h). It cannot end before that, as far as the table can see:
 *   a process that has ended keeps its PID until it is reaped.
 * - An entry is found by its PID only until that is reaped, by the table or by a wait for this one
 *   process (process_wait(), process_kill()). After that the PID may be another process's.
 * - Of a PID that is not in the table it is an orphan of the command's, which the launcher has
 *   adopted as subreaper: it is reaped, and that is all.
 * - A callback may fork, watch, end and reap others of the table, and break the event loop. What
 *   it has reaped is not reported any more.
 *
 * Looking up costs a walk through our own children, a dozen at most: reaping takes time in
 * proportion to the children that have ended, however many there are.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "fauxroot/base/forks.h"

struct error;

/*
 * A child has ended and was reaped, or has stopped.
 * @status: as waitpid(2) reports it; WIFSTOPPED() for a stopped one, which will be reported again
 */
typedef void child_changed(void *arg, int status);

struct child {
	pid_t pid;
	child_changed *changed; /* NULL: nobody watches it */
	void *arg;
};

struct children {
	struct child *items;
	size_t n, room;
	struct fork_observer observer;
};

/* children_open() - an empty table, which all forks of this process are put into from now on;
 * @ret must stay where it is */
void children_open(struct children *ret);

/* children_close() - nobody is told of forks any more. Accepts what is all zero. */
void children_close(struct children *children);

/*
 * children_watch() - call @changed with @arg when the child @pid ends or stops
 * @pid: a child that has not been reaped; of our own forking, or of another process's on our
 *	behalf (CLONE_PARENT)
 *
 * A second call replaces the first. Returns 0; -ENOMEM, for one that another process has forked
 * only.
 */
int children_watch(struct children *children, pid_t pid, child_changed *changed, void *arg);

/* children_has() - is @pid a child of our own that has not been reaped? It may have been given up
 * (process_kill(), process_abandon()). */
bool children_has(const struct children *children, pid_t pid);

/* children_reap() - reap every child that has ended, and call back for ours; never blocks */
void children_reap(struct children *children);

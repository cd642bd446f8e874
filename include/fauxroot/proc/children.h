/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of the launcher's own children. It reaps all children, and calls a callback for each of
 * its own.
 *
 * - Every fork in the launcher enters its child in the table before anything else can happen
 *   (base/forks.h). The child may exit earlier, but keeps its PID until it is reaped.
 * - An entry can be found by its PID only until the PID is reaped, by the table or by a wait for
 *   this process (process_wait(), process_kill()). After that, another process may have the PID.
 * - A PID that is not in the table is an orphan of the command, adopted by the launcher as
 *   subreaper. It is reaped, and no callback is called.
 * - A callback may fork, may watch, kill and reap other children of the table, and may break the
 *   event loop. A child that a callback has reaped is not reported.
 *
 * A look-up goes through our own children, a dozen at most. So the time to reap is proportional to
 * the number of children that have exited, and does not depend on the number that still run.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "fauxroot/base/forks.h"

struct error;
struct kept_observer;

/*
 * Callback: a child has exited and was reaped, or has stopped.
 * @status: as waitpid(2) reports it; WIFSTOPPED() for a stopped child, which is reported again
 * later
 */
typedef void child_changed(void *arg, int status);

struct child {
	pid_t pid;
	child_changed *changed; /* NULL: not watched */
	void *arg;
};

struct children {
	struct child *items;
	size_t n, room;
	struct fork_observer observer;
	const struct kept_observer *kept; /* kept_observe(); NULL: none */
};

/* children_open() - create an empty table, and record all forks of this process from now on; @ret
 * must not move in memory */
void children_open(struct children *ret);

/* children_close() - stop recording forks, and release the table. Accepts an all-zero struct. */
void children_close(struct children *children);

/*
 * children_watch() - call @changed with @arg when the child @pid exits or stops
 * @pid: a child that is not reaped yet; forked by us, or by another process on our behalf
 * (CLONE_PARENT)
 *
 * A second call replaces the first. Returns 0, or -ENOMEM: only for a child that another process
 * has forked.
 */
int children_watch(struct children *children, pid_t pid, child_changed *changed, void *arg);

/* children_has() - is @pid a child of our own that is not reaped? It may be an abandoned child
 * (process_kill(), process_abandon()). */
bool children_has(const struct children *children, pid_t pid);

/*
 * children_reap() - reap children that have exited, and call the callbacks of ours; never blocks
 *
 * Reaps at most CHILDREN_AT_ONCE, because any number of orphans of the command may exit at once.
 * Returns true if it has reached this limit: the caller then does other work, and calls it again.
 */
bool children_reap(struct children *children);

/* The number of children that children_reap() reaps at once. */
#define CHILDREN_AT_ONCE 256

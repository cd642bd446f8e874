/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Children that were sent SIGKILL and not waited for. Whoever looks through our children must tell
 * them from others, and a PID may have come to be another's once the child has been reaped, by
 * whomever. So the pidfd is kept: while it does not show the child's end (man 2 pidfd_open, poll),
 * the PID is still its own.
 *
 * A fork of ours has other children, and has closed these descriptors: the list is that of the
 * process which has made it.
 */
#include "abandoned.h"

#include <poll.h>
#include <unistd.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/spawn.h"

static struct {
	pid_t owner;
	size_t n;
	struct process items[ABANDONED_MAX];
} all;

static bool has_ended(const struct process *p)
{
	struct pollfd fd = {.fd = p->pidfd, .events = POLLIN};

	return poll(&fd, 1, 0) != 0;
}

/* Let go of those that have ended. */
static void sweep(void)
{
	size_t n = 0;

	if (all.owner != getpid())
		all.n = 0;
	all.owner = getpid();
	for (size_t i = 0; i < all.n; i++)
		if (has_ended(&all.items[i]))
			process_forget(&all.items[i]);
		else
			all.items[n++] = all.items[i];
	all.n = n;
}

void abandoned_add(struct process *p)
{
	sweep();
	if (p->pidfd < 0 || has_ended(p) || all.n == ABANDONED_MAX) {
		process_forget(p);
		return;
	}
	all.items[all.n++] = *p;
	*p = PROCESS_NONE;
}

bool process_is_abandoned(pid_t pid)
{
	sweep();
	for (size_t i = 0; i < all.n; i++)
		if (all.items[i].pid == pid)
			return true;
	return false;
}

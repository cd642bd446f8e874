/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/base/forks.h"

#include <unistd.h>

#include "fauxroot/base/err.h"

/* The observer, and the process that has set it. */
static struct {
	const struct fork_observer *observer;
	pid_t owner;
} observed;

static const struct fork_observer *current(void)
{
	return observed.observer && observed.owner == getpid() ? observed.observer : NULL;
}

void forks_observe(const struct fork_observer *observer)
{
	observed.observer = observer;
	observed.owner = getpid();
}

int forks_expect(const char *name, struct error *err)
{
	const struct fork_observer *observer = current();
	int rc = observer ? observer->expect(observer->arg) : 0;

	return rc < 0 ? err_set(err, -rc, "forking %s", name) : 0;
}

void forks_born(pid_t pid)
{
	const struct fork_observer *observer = current();

	if (observer)
		observer->born(observer->arg, pid);
}

void forks_abandoned(pid_t pid)
{
	const struct fork_observer *observer = current();

	if (observer)
		observer->abandoned(observer->arg, pid);
}

void forks_reaped(pid_t pid)
{
	const struct fork_observer *observer = current();

	if (observer)
		observer->reaped(observer->arg, pid);
}

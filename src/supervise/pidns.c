/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * PID 1 of a namespace needs no list of processes. kill(2) with -1 signals all processes except PID
 * 1 itself. Orphans become children of PID 1. The kernel kills the remaining processes when PID 1
 * exits. A process that has entered the namespace from outside gets the signal as well, but it is
 * not our child, so we do not wait for it.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/supervise/orphans.h"
#include "fauxroot/supervise/signals.h"

static bool has_children(void)
{
	pid_t pid;

	do {
		pid = waitpid(-1, NULL, WNOHANG | __WALL);
	} while (pid > 0 || (pid < 0 && errno == EINTR));
	return pid == 0;
}

/* Read the pending signals. Was one of them a terminating signal? */
static bool is_interrupted(const struct signals *signals)
{
	struct signalfd_siginfo info;
	bool yes = false;

	while (signals_read(signals, &info))
		yes |= signal_terminates((int)info.ssi_signo);
	return yes;
}

void pidns_end_all(const struct signals *signals, unsigned seconds)
{
	const struct deadline deadline = deadline_in(INT64_C(1000) * seconds);

	(void)kill(-1, SIGTERM);
	(void)kill(-1, SIGCONT);
	while (has_children())
		if (fd_wait(signals->all, POLLIN, &deadline, -1) < 0 || is_interrupted(signals))
			return;
}

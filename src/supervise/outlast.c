/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * As PID 1 of a namespace it is easier than elsewhere: -1 is everybody but us (man 2 kill), all
 * whose parent ends become our children, and whoever is there when we end is killed by the kernel.
 * Who has entered from outside is told, but is no child of ours and not waited for.
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

/* Take what has arrived. Was there one that means "end"? */
static bool hurried(const struct signals *signals)
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
		if (fd_wait(signals->all, POLLIN, &deadline, -1) < 0 || hurried(signals))
			return;
}

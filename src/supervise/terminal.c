/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/supervise/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <unistd.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/spawn.h"
#include "fauxroot/supervise/job.h"

static int open_terminal(void)
{
	return open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
}

bool terminal_stop(const struct process *command)
{
	_cleanup_close_ int terminal = open_terminal();
	pid_t group = command->pid > 0 ? getpgid(command->pid) : -1;
	bool has_it =
		terminal >= 0 && group > 0 && group != getpgrp() && tcgetpgrp(terminal) == group;

	if (!job_stop(command))
		return false;
	if (has_it && tcgetpgrp(terminal) == getpgrp())
		(void)tcsetpgrp(terminal, group);
	return true;
}

void terminal_take_back(void)
{
	_cleanup_close_ int terminal = open_terminal();
	pid_t front = terminal < 0 ? -1 : tcgetpgrp(terminal);

	if (front > 0 && front != getpgrp() && kill(-front, 0) < 0 && errno == ESRCH)
		(void)tcsetpgrp(terminal, getpgrp());
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/supervise/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/str.h"

static int open_terminal(void)
{
	return open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
}

pid_t terminal_front(void)
{
	_cleanup_close_ int terminal = open_terminal();

	return terminal < 0 ? -1 : tcgetpgrp(terminal);
}

bool terminal_group_is_inside(pid_t group, int pidns)
{
	struct stat wanted, got;
	char path[64];

	return group > 0 && str_print(path, sizeof(path), "/proc/%d/ns/pid", group) == 0 &&
	       fstat(pidns, &wanted) == 0 && stat(path, &got) == 0 && wanted.st_dev == got.st_dev &&
	       wanted.st_ino == got.st_ino;
}

void terminal_stop(pid_t heir)
{
	kill(getpid(), SIGSTOP);
	if (heir > 0 && terminal_front() == getpgrp()) {
		_cleanup_close_ int terminal = open_terminal();

		(void)tcsetpgrp(terminal, heir);
	}
}

void terminal_take_back(void)
{
	_cleanup_close_ int terminal = open_terminal();
	pid_t front = terminal < 0 ? -1 : tcgetpgrp(terminal);

	if (front > 0 && front != getpgrp() && kill(-front, 0) < 0 && errno == ESRCH)
		(void)tcsetpgrp(terminal, getpgrp());
}

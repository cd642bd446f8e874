/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A shell with job control waits for us, its job, to stop. So we stop when the command has stopped.
 * We do so only if a shell waits: an ancestor that is in our session, but not in our process group.
 * The main process of a service leads a session of its own, and would stay stopped forever. (The
 * kernel's test for an orphaned process group does not help: with a PID namespace the command is in
 * our group, but its parent, init, is not.)
 *
 * Any process may have stopped the command, and may continue or kill the command but not us. The
 * kernel notifies only the command's parent: us, or an init that reports to us. But we are stopped.
 * So another process runs meanwhile, the watcher. It waits for the command's exit by pidfd, and
 * checks regularly whether the command is still stopped, because only the parent gets an event for
 * that. Then it continues us. We may not have stopped yet when it sends the first SIGCONT, so it
 * sends SIGCONT again and again, until we kill it.
 *
 * The watcher's SIGCONT is removed from our queue, because it is not for the command.
 */
#include "fauxroot/supervise/job.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/base/spawn.h"
#include "procstat.h"

#define LOOK_MS 100

/* Are we part of a job, that is, does a shell wait for us that can continue us? */
static bool is_job(void)
{
	pid_t session = getsid(0), group = getpgrp(), ancestor = getppid();
	char state;

	/* The PID of a process outside of our PID namespace is 0. */
	while (ancestor > 0 && getsid(ancestor) == session) {
		if (getpgid(ancestor) != group)
			return true;
		/* Without our own /proc we cannot look further up: assume that a shell waits. */
		if (!procstat_is_ours() || procstat_read(AT_FDCWD, ancestor, &state, &ancestor) < 0)
			return true;
	}
	return false;
}

/* Is the process @pid stopped? True if /proc cannot be read: then only the pidfd reports its exit.
 */
static bool is_stopped(pid_t pid)
{
	char state;
	pid_t parent;

	return procstat_read(AT_FDCWD, pid, &state, &parent) < 0 || state == 'T' || state == 't';
}

bool job_is_stopped(const struct process *command)
{
	char state;
	pid_t parent;
	int rc = command->pid > 0 && procstat_is_ours()
			 ? procstat_read(AT_FDCWD, command->pid, &state, &parent)
			 : -EOPNOTSUPP;

	return rc == 0 ? state == 'T' || state == 't' : rc != -ESRCH;
}

/* In the watcher. The launcher ends it with SIGKILL. */
_noreturn_ static void watch(const struct process *command, pid_t stopped)
{
	struct deadline look;

	setpgid(0, 0);
	do {
		look = deadline_in(LOOK_MS);
	} while (fd_wait(command->pidfd, POLLIN, &look, -1) == -ETIMEDOUT &&
		 is_stopped(command->pid));
	for (;;) {
		kill(stopped, SIGCONT);
		(void)poll(NULL, 0, LOOK_MS);
	}
}

/* After a failure we stop without a watcher, because the terminal's user waits for that. */
static void start_watcher(const struct process *command, struct process *ret)
{
	pid_t us = getpid();

	if (fork_clean("fauxroot: watch", &command->pidfd, 1, ret, NULL) == 0)
		watch(command, us);
}

/* Has a process continued us? A stop signal removes a SIGCONT that was pending before (man 7
 * signal), so a pending SIGCONT is new. Queue it again for the command, unless it is the watcher's.
 */
static bool was_continued(pid_t watcher)
{
	const struct timespec now = {0};
	siginfo_t info;
	sigset_t cont;

	sigemptyset(&cont);
	sigaddset(&cont, SIGCONT);
	if (sigtimedwait(&cont, &info, &now) < 0)
		return false;
	if (info.si_code != SI_USER || watcher == 0 || info.si_pid != watcher)
		(void)syscall(SYS_rt_sigqueueinfo, getpid(), SIGCONT, &info);
	return true;
}

bool job_stop(const struct process *command)
{
	struct process watcher = PROCESS_NONE;
	pid_t pid;

	if (!is_job())
		return false;
	if (command->pidfd >= 0)
		start_watcher(command, &watcher);
	kill(getpid(), SIGSTOP);
	/* After this the watcher sends no more SIGCONT. */
	pid = watcher.pid;
	process_kill(&watcher);
	return was_continued(pid);
}

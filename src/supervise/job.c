/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A shell with job control waits for its job, us, to stop; the command has stopped, so we do. Only
 * for a shell: an ancestor in our session, but not in our process group. A service manager's main
 * process leads a session of its own, and would stay stopped for ever. (The kernel's own question,
 * is our process group orphaned, will not do: with a PID namespace the command is a member of it
 * whose parent, init, is none.)
 *
 * Who has stopped the command need not be the terminal, and may continue it, or kill it, without a
 * thought of us. Only its parent is told, which is us, or an init that tells us; and we are
 * stopped. So a watcher stays awake: it waits for the command's end by pidfd, and looks now and
 * then whether it is still stopped, as there is no event for that but the parent's. Whatever
 * happens between our last look at the command and our own stop it finds, too: it continues us
 * again and again, until we have noticed.
 *
 * The watcher's SIGCONT is taken away, as it is not meant for the command.
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

/* Are we part of a job, that is, does somebody wait for us who can continue us? */
static bool is_job(void)
{
	pid_t session = getsid(0), group = getpgrp(), ancestor = getppid();
	char state;

	/* A process that is not of our PID namespace is 0. */
	while (ancestor > 0 && getsid(ancestor) == session) {
		if (getpgid(ancestor) != group)
			return true;
		/* Whose /proc is not ours to read has left that behind, with its parent. */
		if (!procstat_is_ours() || procstat_read(AT_FDCWD, ancestor, &state, &ancestor) < 0)
			return true;
	}
	return false;
}

/* What cannot be read is told by its pidfd, or not at all. */
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

/* In the watcher, whose end is SIGKILL. */
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

/* Without one we stop all the same: that is what the terminal's user waits for. */
static void start_watcher(const struct process *command, struct process *ret)
{
	pid_t us = getpid();

	if (fork_clean("fauxroot: watch", &command->pidfd, 1, ret, NULL) == 0)
		watch(command, us);
}

/* Has somebody continued us? A stop signal takes away what SIGCONT was pending before (man 7
 * signal), so one that is pending now is it; unless it is @watcher's it stays for the command. */
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
	/* Its last word, and nothing after that. */
	pid = watcher.pid;
	process_kill(&watcher);
	return was_continued(pid);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The attendant reads a signalfd and knows one process. After SIGCHLD it checks which children have
 * exited or stopped. It sends all other signals to the process, by its pidfd.
 *
 * After the fork the new process waits until the attendant has released everything that belongs to
 * the caller. It reads from the start pipe: one byte means start, and end of file means that the
 * attendant has died. The new process arms PDEATHSIG before it reads; from then on the kernel kills
 * it when the attendant dies.
 *
 * The kernel ignores a signal with the default action for PID 1 of a namespace, even its own
 * SIGSTOP. But it queues a blocked signal for PID 1 as for any other process (kernel/signal.c,
 * sig_ignored()), so signalfd(2) reads it.
 */
#include "fauxroot/supervise/attend.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/spawn.h"
#include "fauxroot/supervise/pids.h"
#include "fauxroot/proc/reap.h"
#include "fauxroot/supervise/signals.h"

#define MAX_KEEP 8

/* In the new process. */
static void wait_for_start(int start)
{
	char go;
	ssize_t n;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	do {
		n = read(start, &go, 1);
	} while (n < 0 && errno == EINTR);
	if (n != 1)
		_exit(1);
}

/* In the attendant. Failures are ignored: an unusual root may have no /dev/null. */
static void release_all(const struct attendant *a, const struct process *process, int start)
{
	int keep[MAX_KEEP + 3] = {a->signals->all, process->pidfd, start};
	_cleanup_close_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (size_t i = 0; i < a->n_keep; i++)
		keep[3 + i] = a->keep[i];
	for (int fd = 0; fd < 3 && null >= 0; fd++)
		(void)dup2(null, fd);
	null = fd_close(null);
	(void)fd_close_all_except(keep, 3 + a->n_keep);
	if (chdir("/") < 0)
		return;
}

/* Reap children that have exited, and notice stops. True when @process has exited. */
static bool reap(const struct attendant *a, struct process *process, int *ret_status)
{
	pid_t pid;
	int status;

	while (reap_next(a->reap_all ? -1 : process->pid, &pid, &status)) {
		if (pid != process->pid)
			continue;
		if (!WIFSTOPPED(status)) {
			process_forget(process);
			*ret_status = status;
			return true;
		}
		/* In another session it is not a job of the shell that started us. */
		if (getsid(pid) == getsid(0))
			a->stopped(a->arg, pid, status);
	}
	return false;
}

/* Forward signals until @process exits. If it has exited already, its SIGCHLD is pending. */
static int attend(const struct attendant *a, struct process *process)
{
	int status;

	for (;;) {
		struct signalfd_siginfo info;
		bool child = false;

		(void)fd_wait(a->signals->all, POLLIN, NULL, -1);
		while (signals_read(a->signals, &info)) {
			if (info.ssi_signo == SIGCHLD)
				child = true;
			else
				signal_forward(&info, process);
		}
		if (child && reap(a, process, &status))
			return status;
	}
}

/* As process_fork(). If the wanted PID is not available, take any. */
static int fork_process(const struct attendant *a, struct process *ret, struct error *err)
{
	int rc = a->wanted > 0 ? pids_fork(a->wanted, ret) : -ENOSYS;

	return rc < 0 ? process_fork("the command", ret, err) : rc;
}

int fork_attended(const struct attendant *attendant, int *ret_status, struct error *err)
{
	_cleanup_close_ int start = -1, start_peer = -1;
	struct process process = PROCESS_NONE;
	int pipe_fds[2], rc;

	if (attendant->n_keep > MAX_KEEP)
		return err_set(err, E2BIG, "attending a process");
	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return err_set(err, errno, "creating a pipe for the command");
	start = pipe_fds[0];
	start_peer = pipe_fds[1];
	rc = fork_process(attendant, &process, err);
	if (rc < 0)
		return rc;
	if (rc == 0) {
		/* With our own copy open, the pipe would never reach end of file. */
		start_peer = fd_close(start_peer);
		wait_for_start(start);
		return 0;
	}
	release_all(attendant, &process, start_peer);
	start = -1; /* closed by release_all() */
	if (attendant->started)
		attendant->started(attendant->arg, &process);
	(void)fd_write_all(start_peer, "", 1);
	start_peer = fd_close(start_peer);
	*ret_status = attend(attendant, &process);
	return 1;
}

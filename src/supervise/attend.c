/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The attendant is a signalfd and a process. SIGCHLD means "look what has ended or stopped", all
 * other signals go to the process, by its pidfd.
 *
 * Between the fork and the moment in which the attendant has let go of everything the new process
 * waits at a gate, a pipe. One byte opens it; end of file says that the attendant has died, which
 * PDEATHSIG, armed before, would tell as well from then on.
 *
 * PID 1 of a namespace gets no signal whose action is the default one, not even its own SIGSTOP;
 * but a blocked signal is queued for it as for any other process (kernel/signal.c, sig_ignored()),
 * and signalfd(2) reads it.
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
static void pass_gate(int gate)
{
	char go;
	ssize_t n;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	do {
		n = read(gate, &go, 1);
	} while (n < 0 && errno == EINTR);
	if (n != 1)
		_exit(1);
}

/* In the attendant. What cannot be had, /dev/null in an odd root, is no reason to fail. */
static void empty_hands(const struct attendant *a, const struct process *process, int gate)
{
	int keep[MAX_KEEP + 3] = {a->signals->all, process->pidfd, gate};
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

/* Take what has ended or stopped. True when @process has ended. */
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
		/* In another session it is no job of the shell that started us. */
		if (getsid(pid) == getsid(0))
			a->stopped(a->arg, pid, status);
	}
	return false;
}

/* A child that ended before has left a SIGCHLD pending. */
static int live(const struct attendant *a, struct process *process)
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

/* As process_fork(). What keeps the kernel from giving the wanted number is no reason to fail. */
static int fork_process(const struct attendant *a, struct process *ret, struct error *err)
{
	int rc = a->wanted > 0 ? pids_fork(a->wanted, ret) : -ENOSYS;

	return rc < 0 ? process_fork("the command", ret, err) : rc;
}

int fork_attended(const struct attendant *attendant, int *ret_status, struct error *err)
{
	_cleanup_close_ int gate = -1, gate_peer = -1;
	struct process process = PROCESS_NONE;
	int pipe_fds[2], rc;

	if (attendant->n_keep > MAX_KEEP)
		return err_set(err, E2BIG, "attending a process");
	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return err_set(err, errno, "creating a pipe for the command");
	gate = pipe_fds[0];
	gate_peer = pipe_fds[1];
	rc = fork_process(attendant, &process, err);
	if (rc < 0)
		return rc;
	if (rc == 0) {
		/* Or our own copy would keep the gate from ever reaching its end. */
		gate_peer = fd_close(gate_peer);
		pass_gate(gate);
		return 0;
	}
	empty_hands(attendant, &process, gate_peer);
	gate = -1; /* closed by empty_hands() */
	if (attendant->started)
		attendant->started(attendant->arg, &process);
	(void)fd_write_all(gate_peer, "", 1);
	gate_peer = fd_close(gate_peer);
	*ret_status = live(attendant, &process);
	return 1;
}

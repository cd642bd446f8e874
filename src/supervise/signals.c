/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/supervise/signals.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/libc.h"
#include "fauxroot/base/macro.h"

static const int terminating[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};

static bool is_ignored(int sig)
{
	struct sigaction action;

	return sigaction(sig, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

static void do_nothing(int sig)
{
	(void)sig;
}

int signals_block(struct signals *ret, struct error *err)
{
	const struct sigaction by_default = {.sa_handler = SIG_DFL};
	const struct sigaction handler = {.sa_handler = do_nothing};
	struct signals signals;
	sigset_t all, end;

	/* musl unblocks the signals that it uses when a program installs its first handler. So do
	 * that now: libc_all_signals() has one of them. */
	(void)sigaction(SIGCHLD, &handler, NULL);
	libc_all_signals(&all);
	if (sigprocmask(SIG_SETMASK, &all, &signals.caller_mask) < 0 ||
	    sigaction(SIGCHLD, &by_default, NULL) < 0)
		return err_set(err, errno, "blocking signals");
	sigemptyset(&end);
	for (size_t i = 0; i < ARRAY_SIZE(terminating); i++)
		if (!is_ignored(terminating[i]))
			sigaddset(&end, terminating[i]);
	signals.all = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals.all < 0)
		return err_set(err, errno, "opening a signalfd");
	signals.cancel = signalfd(-1, &end, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals.cancel < 0) {
		int errnum = errno;

		fd_close(signals.all);
		return err_set(err, errnum, "opening a signalfd");
	}
	*ret = signals;
	return 0;
}

void signals_close(struct signals *signals)
{
	signals->all = fd_close(signals->all);
	signals->cancel = fd_close(signals->cancel);
}

void signals_restore(const struct signals *signals)
{
	sigprocmask(SIG_SETMASK, &signals->caller_mask, NULL);
}

bool signal_terminates(int sig)
{
	for (size_t i = 0; i < ARRAY_SIZE(terminating); i++)
		if (sig == terminating[i])
			return !is_ignored(sig);
	return false;
}

int signals_pending_end(void)
{
	sigset_t pending;

	if (sigpending(&pending) < 0)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(terminating); i++)
		if (sigismember(&pending, terminating[i]) == 1 && signal_terminates(terminating[i]))
			return terminating[i];
	return 0;
}

bool signals_read(const struct signals *signals, struct signalfd_siginfo *ret)
{
	ssize_t n;

	do {
		n = read(signals->all, ret, sizeof(*ret));
	} while (n < 0 && errno == EINTR);
	return n == sizeof(*ret);
}

/* The terminal signals the whole foreground process group, with si_code SI_KERNEL. */
static bool came_from_terminal(const struct signalfd_siginfo *info)
{
	switch (info->ssi_signo) {
	case SIGINT:
	case SIGQUIT:
	case SIGTSTP:
	case SIGTTIN:
	case SIGTTOU:
	case SIGWINCH:
		return info->ssi_code == SI_KERNEL;
	case SIGHUP:
	case SIGCONT:
		/* On a hangup the kernel signals the session leader alone: if we are it, the
		 * target has not received the signal. */
		return info->ssi_code == SI_KERNEL && getsid(0) != getpid();
	default:
		return false;
	}
}

void signal_forward(const struct signalfd_siginfo *info, const struct process *target)
{
	int sig = (int)info->ssi_signo;
	siginfo_t queued;

	if (sig == SIGCHLD || target->pid <= 0)
		return;
	if (sig == SIGPIPE && info->ssi_pid == (uint32_t)getpid())
		return;
	if (came_from_terminal(info) && getpgid(target->pid) == getpgrp())
		return;
	memset(&queued, 0, sizeof(queued));
	queued.si_signo = sig;
	queued.si_code = SI_QUEUE;
	queued.si_pid = (pid_t)info->ssi_pid;
	queued.si_uid = info->ssi_uid;
	queued.si_value.sival_ptr = (void *)(uintptr_t)info->ssi_ptr;
	/* ESRCH: the target has exited; SIGCHLD reports that. */
	(void)syscall(SYS_pidfd_send_signal, target->pidfd, sig,
		      info->ssi_code == SI_QUEUE ? &queued : NULL, 0);
}

const char *signal_words(int sig, char *buf, size_t size)
{
	/* From 32 on are the real-time signals. C libraries describe them in different words. */
	const char *words = sig > 0 && sig < 32 ? strsignal(sig) : NULL;

	if (words)
		snprintf(buf, size, "%c%s", tolower((unsigned char)words[0]), words + 1);
	else if (sig >= FIRST_REALTIME_SIGNAL && sig <= SIGRTMAX)
		snprintf(buf, size, "real-time signal %d", sig - FIRST_REALTIME_SIGNAL);
	else
		snprintf(buf, size, "signal %d", sig);
	return buf;
}

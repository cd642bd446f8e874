/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fauxrootctl stop, kill, wait
 *
 * These commands find the launcher over its socket and use a pidfd of it. So no signal can reach
 * another process that gets the same PID later, and we can wait although the launcher is not our
 * child.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ctl_events.h"
#include "ctl_instance.h"
#include "ctl_table.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/libc.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"
#include "fauxroot/sys/peer.h"

static const struct {
	const char *name; /* without "SIG" */
	int number;
} signal_names[] = {
	{"HUP", SIGHUP},       {"INT", SIGINT},	  {"QUIT", SIGQUIT},   {"ILL", SIGILL},
	{"TRAP", SIGTRAP},     {"ABRT", SIGABRT}, {"BUS", SIGBUS},     {"FPE", SIGFPE},
	{"KILL", SIGKILL},     {"USR1", SIGUSR1}, {"SEGV", SIGSEGV},   {"USR2", SIGUSR2},
	{"PIPE", SIGPIPE},     {"ALRM", SIGALRM}, {"TERM", SIGTERM},   {"CHLD", SIGCHLD},
	{"CONT", SIGCONT},     {"STOP", SIGSTOP}, {"TSTP", SIGTSTP},   {"TTIN", SIGTTIN},
	{"TTOU", SIGTTOU},     {"URG", SIGURG},	  {"XCPU", SIGXCPU},   {"XFSZ", SIGXFSZ},
	{"VTALRM", SIGVTALRM}, {"PROF", SIGPROF}, {"WINCH", SIGWINCH}, {"IO", SIGIO},
	{"PWR", SIGPWR},       {"SYS", SIGSYS},
};

/* The number of "TERM", "SIGTERM", "15" or "RTMIN+1"; 0 if @text is no signal. */
static int signal_number(const char *text)
{
	const char *name = str_after(text, "SIG"), *more;
	uint32_t number;

	if (parse_u32(text, (uint32_t)SIGRTMAX, &number) == 0)
		return (int)number;
	if (!name)
		name = text;
	for (size_t i = 0; i < ARRAY_SIZE(signal_names); i++)
		if (streq(signal_names[i].name, name))
			return signal_names[i].number;
	more = str_after(name, "RTMIN+");
	if (more && parse_u32(more, (uint32_t)(SIGRTMAX - FIRST_REALTIME_SIGNAL), &number) == 0)
		return FIRST_REALTIME_SIGNAL + (int)number;
	return 0;
}

static int send_signal(const struct peer *launcher, int sig, struct error *err)
{
	/* pidfd_send_signal(2) would fail with EINVAL, which explains nothing. */
	if (launcher->process.pid == 0)
		return err_say(err, EPERM,
			       "the launcher is outside of this PID namespace, and cannot be "
			       "signalled from inside");
	if (syscall(SYS_pidfd_send_signal, launcher->process.pidfd, sig, NULL, 0) < 0)
		return err_set(err, errno, "sending signal %d to process %d", sig,
			       launcher->process.pid);
	return 0;
}

static int wait_for_end(const struct peer *launcher, struct error *err)
{
	/* A pidfd is readable when its process has exited (man 2 pidfd_open). */
	int rc = fd_wait(launcher->process.pidfd, POLLIN, NULL, -1);

	return rc < 0 ? err_set(err, -rc, "waiting for process %d", launcher->process.pid) : 0;
}

int ctl_wait(struct ctl *ctl, struct error *err)
{
	_cleanup_peer_ struct peer launcher = PEER_NONE;
	_cleanup_free_ char *socket = NULL;
	struct error unknown = {.code = 0};
	int status, rc = ctl_launcher(ctl, &launcher, &socket, err);

	if (rc < 0)
		return rc;
	status = ctl_exit_status(socket, &unknown);
	rc = wait_for_end(&launcher, err);
	if (rc == 0 && status < 0) {
		*err = unknown;
		return err_wrap(err, status,
				"the instance has ended, and its exit status is not "
				"known");
	}
	ctl->status = status;
	return rc;
}

int ctl_stop(struct ctl *ctl, struct error *err)
{
	_cleanup_peer_ struct peer launcher = PEER_NONE;
	int rc = ctl_launcher(ctl, &launcher, NULL, err);

	/* A stopped launcher must continue to handle SIGTERM. SIGCONT after SIGTERM would remove
	 * the stop by which LeakSanitizer attaches to a launcher that exits (man 2 ptrace). */
	if (rc == 0)
		(void)send_signal(&launcher, SIGCONT, NULL);
	if (rc == 0)
		rc = send_signal(&launcher, SIGTERM, err);
	if (rc == -ESRCH) /* it has just exited */
		return 0;
	return rc < 0 ? rc : wait_for_end(&launcher, err);
}

int ctl_kill(struct ctl *ctl, struct error *err)
{
	_cleanup_peer_ struct peer launcher = PEER_NONE;
	int sig = ctl->signal ? signal_number(ctl->signal) : SIGTERM, rc;

	if (sig == 0)
		return err_say(err, EINVAL,
			       "--signal takes a name such as TERM, or a number from 1 to %d, not "
			       "\"%s\"",
			       SIGRTMAX, ctl->signal);
	rc = ctl_launcher(ctl, &launcher, NULL, err);
	return rc < 0 ? rc : send_signal(&launcher, sig, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * PID 1 of the namespace is the cloned child, after it has executed our executable again. So /proc
 * shows the command's environment as init's, including the ROOTLESSKIT_ variables. The executable
 * is executed by descriptor, because in the child the file may be hidden, unreadable or deleted.
 * argv[1] has init's arguments (supervise/initargs.h); the command's words follow.
 *
 * Init lets the PIDs of the namespace begin at a random number (pids.h), forks the command, sends
 * HANDSHAKE_INIT, and closes all descriptors except its end of the reports. The command waits for
 * that and then does the rest of the handshake: it has the last descriptor of the handshake, so end
 * of file means that execve(2) has succeeded, as without a PID namespace. The launcher gets a pidfd
 * of the command and signals it directly. Init forwards signals that are sent to init itself.
 *
 * Init exits with the command's exit status. It can only report a death by signal, because no
 * signal from inside kills it. If the report is lost, init's own status, 128+n, is used. When init
 * exits, the kernel kills everything in the namespace before the launcher sees the exit (man 7
 * pid_namespaces). PDEATHSIG survives the execve, and PID 1 cannot ignore a SIGKILL from outside.
 */
#include "fauxroot/supervise/init.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/spawn.h"
#include "fauxroot/base/str.h"
#include "fauxroot/base/title.h"
#include "fauxroot/config/config.h"
#include "fauxroot/config/status.h"
#include "fauxroot/proc/handshake.h"
#include "fauxroot/supervise/activation.h"
#include "fauxroot/supervise/attend.h"
#include "fauxroot/supervise/initargs.h"
#include "fauxroot/supervise/orphans.h"
#include "fauxroot/supervise/pids.h"
#include "fauxroot/supervise/reports.h"
#include "fauxroot/supervise/signals.h"
#include "fauxroot/supervise/target.h"

/* libc's signal set begins with the kernel's set of 64 signals. */
static_assert(sizeof(sigset_t) >= sizeof(uint64_t), "a signal set holds 64 signals");

int init_open_self(int *ret, struct error *err)
{
	int fd = open("/proc/self/exe", O_PATH | O_CLOEXEC);

	if (fd < 0)
		return err_set(err, errno, "opening our own executable");
	*ret = fd;
	return 0;
}

int init_execute(int self, const struct init_args *args, char **command, struct error *err)
{
	_cleanup_strv_ struct strv words = {NULL, 0};
	char text[INITARGS_MAX];
	int rc = strv_add(&words, INIT_NAME);

	if (rc == 0)
		rc = strv_add(&words, initargs_format(args, text, sizeof(text)));
	for (char **word = command; *word && rc == 0; word++)
		rc = strv_add(&words, *word);
	if (rc == 0)
		rc = fd_set_cloexec(args->sock, 0);
	if (rc == 0)
		rc = fd_set_cloexec(args->reports, 0);
	if (rc == 0) {
		fexecve(self, words.items, environ);
		rc = -errno;
	}
	return err_set(err, -rc, "executing fauxroot as init of the PID namespace");
}

bool init_is_wanted(int argc, char **argv)
{
	return argc > 2 && getpid() == 1 && streq(argv[0], INIT_NAME);
}

/* The state for init's callbacks. */
struct reporting {
	int reports;
	int sock;      /* until the command is started */
	int scattered; /* result of pids_scatter() */
	pid_t wanted;  /* the PID that the command should get */
};

/* Log that the PIDs of the namespace begin at 2, and what that means for the command's PID. */
static void log_numbers(const struct reporting *reporting, pid_t command)
{
	char text[200];

	if (reporting->scattered == 0)
		return;
	(void)str_print(text, sizeof(text),
			"PIDs begin at 2, %s %d: writing /proc/sys/kernel/ns_last_pid: %s",
			command == reporting->wanted
				? "but the command has PID"
				: "and a stale pid file may contain the command's PID,",
			command, strerror(-reporting->scattered));
	handshake_log((void *)(uintptr_t)&reporting->sock, LOG_LEVEL_DEBUG, text);
}

/*
 * struct attendant.started. The launcher signals the command directly. From now on init has its own
 * process group, so that it gets no signals that terminals and shells send to the command's process
 * group, and does not forward them a second time.
 */
static void report_start(void *arg, const struct process *command)
{
	struct reporting *reporting = arg;

	(void)setpgid(0, 0);
	(void)report_send(reporting->reports,
			  &(struct report){.type = REPORT_STARTED, .pidfd = command->pidfd});
	log_numbers(reporting, command->pid);
	/* If this fails, the launcher has exited, and PDEATHSIG kills us. */
	(void)handshake_send(reporting->sock, HANDSHAKE_INIT);
	/* Now only the command has this socket. */
	reporting->sock = fd_close(reporting->sock);
}

/* struct attendant.stopped */
static void report_stop(void *arg, pid_t pid, int status)
{
	const struct reporting *reporting = arg;

	(void)pid;
	(void)report_send(reporting->reports, &(struct report){REPORT_STOPPED, status, -1});
}

/* In the new process: the last steps of the launch. */
_noreturn_ static void run_command(const struct init_args *args, const struct signals *signals,
				   char **command)
{
	struct error err = {0};

	if (activation_retarget(args->activated, args->launcher, getpid()) < 0)
		err_set(&err, ENOMEM, "setting the target's environment");
	else
		target_exec(command, signals, &err);
	handshake_fail(args->sock, &err);
	_exit(1);
}

static int run(const struct init_args *args, char **command, int *ret_status, struct error *err)
{
	struct reporting reporting = {.reports = args->reports, .sock = args->sock};
	struct attendant attendant = {
		.reap_all = args->reap_all,
		.keep = (int[]){args->reports, args->sock},
		.n_keep = 2,
		.started = report_start,
		.stopped = report_stop,
		.arg = &reporting,
	};
	struct signals signals;
	int rc = signals_block(&signals, err);

	if (rc < 0)
		return rc;
	sigemptyset(&signals.caller_mask);
	memcpy(&signals.caller_mask, &args->caller_mask, sizeof(args->caller_mask));
	attendant.signals = &signals;
	reporting.scattered = pids_scatter(&reporting.wanted);
	attendant.wanted = reporting.wanted;
	rc = fork_attended(&attendant, ret_status, err);
	if (rc == 0)
		run_command(args, &signals, command);
	if (rc < 0)
		return rc;
	(void)report_send(args->reports, &(struct report){REPORT_ENDED, *ret_status, -1});
	if (args->kill_orphans)
		pidns_end_all(&signals, args->kill_timeout);
	return 0;
}

int init_run(char **argv)
{
	struct init_args args;
	struct error err = {0};
	int status = 0;

	if (initargs_parse(argv[1], &args) < 0 || fd_set_cloexec(args.sock, 1) < 0 ||
	    fd_set_cloexec(args.reports, 1) < 0)
		return STATUS_LAUNCH_FAILED;
	/* execveat(2) has set our name to a descriptor's number. */
	prctl(PR_SET_NAME, INIT_NAME);
	/* Hide our arguments from ps. */
	title_drop_argument(1);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!handshake_peer_lives(args.sock))
		return STATUS_LAUNCH_FAILED;
	if (run(&args, argv + 2, &status, &err) < 0) {
		handshake_fail(args.sock, &err);
		return STATUS_LAUNCH_FAILED;
	}
	/* The kernel frees our memory, and kills all processes in the namespace. */
	_exit(status_of_target(PERSONA_FAUXROOT, status));
}

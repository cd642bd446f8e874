/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * PID 1 of the namespace is the cloned child, made anew: it executes our executable by descriptor,
 * so that the environment that /proc shows of it is the command's, ROOTLESSKIT_ variables and all,
 * whether or not the file can be found or read from in there, or is there at all by now. What it
 * has to know stands in its second word (initargs.h); the command's words follow.
 *
 * In its new shape it has the numbers of the namespace begin anywhere (pids.h), forks the command,
 * says HANDSHAKE_INIT, and lets go of everything but its end of the reports. The command, which
 * waits for that, does the rest of the handshake itself: it has the only descriptor
 * left, so end of file means, as without a PID namespace, that execve(2) has succeeded. The
 * launcher gets a pidfd of it, and signals it without init; what is sent to init itself init passes
 * on.
 *
 * Init ends as the command has. A death by signal it can only report, as no signal kills it; its
 * own status, 128+n, is what is left where the report gets lost. With it everything in the
 * namespace ends, before the launcher sees it end (man 7 pid_namespaces). PDEATHSIG lasts through
 * the execve, and a SIGKILL from outside is one that PID 1 does not ignore.
 */
#include "init.h"

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
#include "fauxroot/launch/launcher.h"
#include "fauxroot/supervise/activation.h"
#include "fauxroot/supervise/attend.h"
#include "fauxroot/supervise/orphans.h"
#include "fauxroot/supervise/pids.h"
#include "fauxroot/supervise/signals.h"
#include "handshake.h"
#include "initargs.h"
#include "launch.h"
#include "reports.h"
#include "target.h"

/* The kernel's set of 64 signals is the beginning of libc's. */
static_assert(sizeof(sigset_t) >= sizeof(uint64_t), "a signal set holds 64 signals");

int init_open_self(int *ret, struct error *err)
{
	int fd = open("/proc/self/exe", O_PATH | O_CLOEXEC);

	if (fd < 0)
		return err_set(err, errno, "opening our own executable");
	*ret = fd;
	return 0;
}

int init_become(const struct launch *l, struct error *err)
{
	struct init_args args = {
		.sock = l->in_child.sock,
		.reports = l->in_child.reports,
		.reap_all = l->config->reaper != TRI_FALSE,
		.activated = l->activated,
		.launcher = l->launcher,
		.kill_orphans = l->config->kill_orphans,
		.kill_timeout = l->config->kill_timeout,
	};
	_cleanup_strv_ struct strv words = {NULL, 0};
	char text[INITARGS_MAX];
	int rc;

	memcpy(&args.caller_mask, &l->signals->caller_mask, sizeof(args.caller_mask));
	rc = strv_add(&words, INIT_NAME);
	if (rc == 0)
		rc = strv_add(&words, initargs_format(&args, text, sizeof(text)));
	for (char **word = l->config->command; *word && rc == 0; word++)
		rc = strv_add(&words, *word);
	if (rc == 0)
		rc = fd_set_cloexec(l->in_child.sock, 0);
	if (rc == 0)
		rc = fd_set_cloexec(l->in_child.reports, 0);
	if (rc == 0) {
		fexecve(l->in_child.self, words.items, environ);
		rc = -errno;
	}
	return err_set(err, -rc, "executing ourselves as init of the PID namespace");
}

bool launcher_is_init(int argc, char **argv)
{
	return argc > 2 && getpid() == 1 && streq(argv[0], INIT_NAME);
}

/* What init's callbacks need. */
struct telling {
	int reports;
	int sock;      /* until the command has been started */
	int scattered; /* of pids_scatter() */
	pid_t wanted;
};

/* Where the numbers of the namespace begin at 2 as ever: what there is instead. */
static void log_numbers(const struct telling *telling, pid_t command)
{
	char text[200];

	if (telling->scattered == 0)
		return;
	(void)str_print(text, sizeof(text),
			"PIDs begin at 2, %s %d: writing /proc/sys/kernel/ns_last_pid: %s",
			command == telling->wanted
				? "but that of the command is"
				: "and a stale pid file may name the command, which is",
			command, strerror(-telling->scattered));
	handshake_log((void *)(uintptr_t)&telling->sock, LOG_LEVEL_DEBUG, text);
}

/*
 * struct attendant.started. The launcher signals the command itself; init, in a process group of
 * its own from now on, is spared what the terminal and shells send to theirs, and passes nothing on
 * twice.
 */
static void report_start(void *arg, const struct process *command)
{
	struct telling *telling = arg;

	(void)setpgid(0, 0);
	(void)report_send(telling->reports,
			  &(struct report){.type = REPORT_STARTED, .pidfd = command->pidfd});
	log_numbers(telling, command->pid);
	/* A launcher that has gone takes us with it. */
	(void)handshake_say(telling->sock, HANDSHAKE_INIT);
	/* The command's own copy is the last one from now on. */
	telling->sock = fd_close(telling->sock);
}

/* struct attendant.stopped */
static void report_stop(void *arg, pid_t pid, int status)
{
	const struct telling *telling = arg;

	(void)pid;
	(void)report_send(telling->reports, &(struct report){REPORT_STOPPED, status, -1});
}

/* In the new process: the end of the child's story. */
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
	struct telling telling = {.reports = args->reports, .sock = args->sock};
	struct attendant attendant = {
		.reap_all = args->reap_all,
		.keep = (int[]){args->reports, args->sock},
		.n_keep = 2,
		.started = report_start,
		.stopped = report_stop,
		.arg = &telling,
	};
	struct signals signals;
	int rc = signals_block(&signals, err);

	if (rc < 0)
		return rc;
	sigemptyset(&signals.caller_mask);
	memcpy(&signals.caller_mask, &args->caller_mask, sizeof(args->caller_mask));
	attendant.signals = &signals;
	telling.scattered = pids_scatter(&telling.wanted);
	attendant.wanted = telling.wanted;
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

int launcher_init(char **argv)
{
	struct init_args args;
	struct error err = {0};
	int status = 0;

	if (initargs_parse(argv[1], &args) < 0 || fd_set_cloexec(args.sock, 1) < 0 ||
	    fd_set_cloexec(args.reports, 1) < 0)
		return STATUS_LAUNCH_FAILED;
	/* execveat(2) has named us by a number. */
	prctl(PR_SET_NAME, INIT_NAME);
	/* And what is for us alone is no word of a command. */
	title_drop_word(1);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!handshake_peer_lives(args.sock))
		return STATUS_LAUNCH_FAILED;
	if (run(&args, argv + 2, &status, &err) < 0) {
		handshake_fail(args.sock, &err);
		return STATUS_LAUNCH_FAILED;
	}
	/* What is left of our memory is the kernel's affair, and so are those who live in here. */
	_exit(status_of_target(PERSONA_FAUXROOT, status));
}

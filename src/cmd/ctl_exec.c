/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fauxrootctl exec, shell
 *
 * Theory of operation
 *
 * The launcher hands its pinned namespaces out over ns.sock. The instance's command can put a
 * socket of its own there, so ns_ask() believes a launcher alone, and takes all namespaces or none.
 * This process joins them, becomes root there and executes the command in its own place: terminal,
 * signals, exit status and parent are what they are without us. From setns(2) to execve(2) it is
 * undumpable, so the target, which is root there, cannot trace it while it still holds what is of
 * the host (see sys/ns.c).
 *
 * A PID namespace is joined by new processes only. Then the command is a child of this process,
 * which attends it with empty hands: it forwards signals, stops as the command stops, and ends as
 * it ends, by the same signal if by one. SIGKILL to it kills the command, as it does without a PID
 * namespace. It stays undumpable; the target can neither see nor name it.
 *
 * The working directory is entered again by its path: setns(2) leads to the root directory of the
 * mount namespace, and a path there may lead to a copy of what it leads to here.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl_instance.h"
#include "ctl_table.h"
#include "fauxroot/api/namespaces.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/spawn.h"
#include "fauxroot/base/str.h"
#include "fauxroot/config/status.h"
#include "fauxroot/supervise/attend.h"
#include "fauxroot/supervise/signals.h"
#include "fauxroot/supervise/terminal.h"
#include "fauxroot/sys/caps.h"
#include "fauxroot/sys/ns.h"

/* ns.sock stands beside api.sock. */
static int find_ns_socket(const struct ctl *ctl, char **ret, struct error *err)
{
	_cleanup_free_ char *api = NULL;
	const char *slash;
	int rc = ctl_socket(ctl, &api, err);

	if (rc < 0)
		return rc;
	slash = strrchr(api, '/');
	*ret = slash ? str_format("%.*s/ns.sock", (int)(slash - api), api) : strdup("ns.sock");
	return *ret ? 0 : err_set(err, ENOMEM, "finding the socket");
}

static int set_environment(const struct ns_answer *answer, struct error *err)
{
	char uid[16], gid[16];

	(void)str_print(uid, sizeof(uid), "%u", answer->uid);
	(void)str_print(gid, sizeof(gid), "%u", answer->gid);
	if (setenv("ROOTLESSKIT_STATE_DIR", answer->state_dir, 1) < 0 ||
	    setenv("ROOTLESSKIT_PARENT_EUID", uid, 1) < 0 ||
	    setenv("ROOTLESSKIT_PARENT_EGID", gid, 1) < 0)
		return err_set(err, ENOMEM, "setting the environment");
	return 0;
}

static int join(struct ns_answer *answer, struct error *err)
{
	char here[PATH_MAX];
	int rc;

	if (!getcwd(here, sizeof(here)))
		return err_set(err, errno, "finding the working directory");
	/* Where we are called from inside. */
	ns_set_leave_own(&answer->ns);
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		return err_set(err, errno, "becoming undumpable");
	rc = ns_join(&answer->ns, NS_JOIN_ALL, err);
	if (rc < 0)
		return rc;
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return err_set(err, errno, "becoming root of the user namespace");
	/* ns_join() is for forks of the launcher; a caller's command outlives its caller. The
	 * change of ids may have undone the other. */
	if (prctl(PR_SET_DUMPABLE, 0) < 0 || prctl(PR_SET_PDEATHSIG, 0) < 0)
		return err_set(err, errno, "outliving the caller");
	rc = caps_clear_passed_on(err);
	if (rc == 0 && chdir(here) < 0)
		rc = err_set(err, errno, "entering the working directory \"%s\"", here);
	return rc;
}

/* struct attendant.stopped */
static void stop_too(void *arg, pid_t pid, int status)
{
	(void)arg;
	(void)status;
	/* Without a pidfd: we have left our /proc, and a watcher would be in the namespace. */
	(void)terminal_stop(&(struct process){pid, -1});
}

/* End as the command has ended, by the same signal if by one. */
_noreturn_ static void end_like(int status)
{
	if (WIFSIGNALED(status)) {
		const struct sigaction by_default = {.sa_handler = SIG_DFL};
		sigset_t none;

		/* Undumpable as we are, we leave no core. */
		(void)sigaction(WTERMSIG(status), &by_default, NULL);
		sigemptyset(&none);
		kill(getpid(), WTERMSIG(status));
		sigprocmask(SIG_SETMASK, &none, NULL);
	}
	_exit(status_of_target(PERSONA_FAUXROOT, status));
}

/*
 * fork(2) fails with ENOMEM where the init of the PID namespace has ended (its manual page says
 * so). It is what an instance does that is asked while it ends.
 */
static int fork_failed(int rc, struct error *err)
{
	if (rc != -ENOMEM)
		return rc;
	return err_say(
		err, ENOMEM,
		"the instance's PID namespace accepts no new process: the instance is ending (%s)",
		strerror(ENOMEM));
}

/* Returns 0 in the process that is to become the command: a child in the PID namespace. */
static int enter_pidns(struct error *err)
{
	struct signals signals;
	struct attendant attendant = {
		.signals = &signals,
		.stopped = stop_too,
	};
	int status = 0, rc = signals_block(&signals, err);

	if (rc == 0)
		rc = fork_failed(fork_attended(&attendant, &status, err), err);
	if (rc == 0)
		signals_restore(&signals);
	if (rc <= 0)
		return rc;
	terminal_take_back();
	end_like(status);
}

/* Join the instance, and go into its PID namespace where it has one. */
static int enter(const struct ctl *ctl, struct error *err)
{
	_cleanup_ns_answer_ struct ns_answer answer = NS_ANSWER_NONE;
	_cleanup_free_ char *socket = NULL;
	int rc = find_ns_socket(ctl, &socket, err);

	if (rc == 0)
		rc = ns_ask(socket, &answer, err);
	if (rc == 0)
		rc = set_environment(&answer, err);
	if (rc == 0)
		rc = join(&answer, err);
	if (rc == 0 && answer.ns.pid >= 0)
		rc = enter_pidns(err);
	return rc;
}

/* Returns only where it fails. */
static int become(struct ctl *ctl, char **words, struct error *err)
{
	_cleanup_free_ char *path = NULL;
	/* As what is in there sees PATH, and not execvp(3): see launch/child.c. */
	int rc = path_find(words[0], &path);

	if (rc == 0) {
		execv(path, words);
		rc = -errno;
	}
	ctl->failure = rc == -ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE;
	return err_set(err, -rc, "executing \"%s\"", words[0]);
}

int ctl_exec(struct ctl *ctl, struct error *err)
{
	int rc = enter(ctl, err);

	return rc < 0 ? rc : become(ctl, ctl->words, err);
}

int ctl_shell(struct ctl *ctl, struct error *err)
{
	const char *shell = getenv("SHELL");
	_cleanup_free_ char *word = strdup(shell && *shell ? shell : "/bin/sh");
	int rc = word ? enter(ctl, err) : err_set(err, ENOMEM, "finding a shell");

	return rc < 0 ? rc : become(ctl, (char *[]){word, NULL}, err);
}

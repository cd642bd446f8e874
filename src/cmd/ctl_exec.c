/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fauxrootctl exec, shell
 *
 * Theory of operation
 *
 * The launcher sends its pinned namespaces over ns.sock. The instance's command can replace that
 * socket with its own, so ns_ask() only trusts a launcher, and gets all namespaces or none. This
 * process joins the namespaces, becomes root there, and executes the command in place of itself:
 * terminal, signals, exit status and parent are the command's own. From setns(2) to execve(2) the
 * process is not dumpable: the target is root there and must not trace it while the process still
 * has descriptors and memory of the host (see sys/ns.c).
 *
 * Only new processes join a PID namespace. So with one, the command is a child of this process,
 * which forwards signals, stops together with the command, and exits with its status or dies by the
 * same signal. SIGKILL to this process kills the command, as it does without a PID namespace. The
 * process stays not dumpable, and the target cannot see it or use its PID.
 *
 * The working directory is entered again by its path: setns(2) changes to the root directory of the
 * mount namespace, where the same path may lead to a copy of the directory.
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

/* ns.sock is in the directory of api.sock. */
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
	/* As for a launched command: a nested fauxroot must not read it. */
	(void)unsetenv("FAUXROOT_OPTIONS");
	return 0;
}

static int join(struct ns_answer *answer, struct error *err)
{
	char here[PATH_MAX];
	int rc;

	if (!getcwd(here, sizeof(here)))
		return err_set(err, errno, "finding the working directory");
	/* Skip the namespaces that we are in already: we may have been started inside. */
	ns_set_drop_own(&answer->ns);
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		return err_set(err, errno, "becoming undumpable");
	rc = ns_join(&answer->ns, NS_JOIN_ALL, err);
	if (rc < 0)
		return rc;
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return err_set(err, errno, "becoming root of the user namespace");
	/* ns_join() is for forks of the launcher and sets PDEATHSIG; this command may outlive its
	 * parent. The change of ids may have reset the dumpable flag. */
	if (prctl(PR_SET_DUMPABLE, 0) < 0 || prctl(PR_SET_PDEATHSIG, 0) < 0)
		return err_set(err, errno, "clearing the parent-death signal");
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
	/* Without a pidfd: we have left our /proc, and a watcher process would be in the namespace.
	 */
	(void)terminal_stop(&(struct process){pid, -1});
}

/* Exit with the command's status, or die by the same signal. */
_noreturn_ static void exit_like(int status)
{
	if (WIFSIGNALED(status)) {
		const struct sigaction by_default = {.sa_handler = SIG_DFL};
		sigset_t none;

		/* A process that is not dumpable leaves no core file. */
		(void)sigaction(WTERMSIG(status), &by_default, NULL);
		sigemptyset(&none);
		kill(getpid(), WTERMSIG(status));
		sigprocmask(SIG_SETMASK, &none, NULL);
	}
	_exit(status_of_target(PERSONA_FAUXROOT, status));
}

/*
 * fork(2) fails with ENOMEM if the init of the PID namespace has exited (see its manual page). This
 * happens when the instance is ending.
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

/* Returns 0 in the process that becomes the command: a child in the PID namespace. */
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
	exit_like(status);
}

/* Join the namespaces of the instance, and its PID namespace if it has one. */
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

/* Execute the command; returns only on failure. */
static int become(struct ctl *ctl, char **words, struct error *err)
{
	_cleanup_free_ char *path = NULL;
	/* Search PATH inside the instance, and without execvp(3): see supervise/target.c. */
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

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Only execve(2) knows whether a file can be executed. It depends on the file's mode, on the modes
 * of the directories above it for our ids in the namespace, on noexec, on the interpreter of a
 * script, on the format of a binary, and on binfmt_misc. So a traced process executes the file (man
 * 2 ptrace). PTRACE_O_TRACEEXEC stops the process after execve(2) has succeeded and before the
 * first instruction of the new program. Then we kill the process, so the program never runs.
 * PTRACE_O_EXITKILL kills it if we exit before.
 */
#include "fauxroot/supervise/tryexec.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/spawn.h"
#include "fauxroot/base/str.h"

/* Exit status of the process if it could not be traced. */
#define UNTRACED 255

/* In the traced process. Its exit status is the errno, which is below 255. */
_noreturn_ static void execute(const char *path, char **command)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null >= 0)
		for (int fd = 0; fd < 3; fd++)
			(void)dup2(null, fd);
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 || raise(SIGSTOP) != 0)
		_exit(UNTRACED);
	execv(path, command);
	_exit(errno);
}

static pid_t wait_for(pid_t pid, int *ret_status)
{
	pid_t rc;

	do
		rc = waitpid(pid, ret_status, __WALL);
	while (rc < 0 && errno == EINTR);
	return rc;
}

/* Continue it from its first stop, up to the stop after execve(2) or to its exit. */
static bool trace(pid_t pid, int *ret_status)
{
	return wait_for(pid, ret_status) == pid && WIFSTOPPED(*ret_status) &&
	       ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL) == 0 &&
	       ptrace(PTRACE_CONT, pid, NULL, NULL) == 0 && wait_for(pid, ret_status) == pid;
}

/* 0 or -errno of execve(2); 0 as well if the result cannot be observed */
static int try_exec(const char *path, char **command)
{
	int status = 0, rc = 0;
	pid_t pid = fork();

	if (pid < 0)
		return 0;
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execute(path, command);
	}
	if (trace(pid, &status) && WIFEXITED(status)) {
		rc = WEXITSTATUS(status) == UNTRACED ? 0 : -WEXITSTATUS(status);
	} else if (!WIFEXITED(status) && !WIFSIGNALED(status)) {
		kill(pid, SIGKILL);
		(void)wait_for(pid, &status);
	}
	return rc;
}

int exec_try(char **command, struct error *err)
{
	_cleanup_free_ char *path = NULL;
	int rc = path_find(command[0], &path);

	if (rc == 0)
		rc = try_exec(path, command);
	if (rc == 0)
		return 0;
	(void)err_set(err, -rc, "executing \"%s\"", command[0]);
	return err_step(err, err_about(err, rc, REASON_EXEC, "%s", command[0]), STEP_EXEC);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job_stop(): a child process plays the launcher and reports the result in its exit status. The
 * test plays its shell. The command is a child of the launcher.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/spawn.h"
#include "fauxroot/supervise/job.h"

enum { PATIENCE_MS = 20000 };

/* Exit statuses of the job. */
enum { WENT_ON = 1, CONTINUED = 2, CONT_IS_PENDING = 4, FAILED = 64 };

struct fixture {
	struct process job;
	pid_t command;
};

/* The stopped command. */
static int start_command(struct process *ret)
{
	int rc = process_fork("the command", ret, NULL), status;

	if (rc == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	if (rc < 0 || kill(ret->pid, SIGSTOP) < 0 || waitpid(ret->pid, &status, WUNTRACED) < 0)
		return -ECHILD;
	return 0;
}

_noreturn_ static void play(int say, bool leads_session)
{
	struct process command = PROCESS_NONE;
	sigset_t all, pending;
	int said;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if ((leads_session ? setsid() : setpgid(0, 0)) < 0 || start_command(&command) < 0 ||
	    write(say, &command.pid, sizeof(command.pid)) != sizeof(command.pid))
		_exit(FAILED);
	said = job_stop(&command) ? CONTINUED : WENT_ON;
	sigpending(&pending);
	if (sigismember(&pending, SIGCONT))
		said |= CONT_IS_PENDING;
	process_kill(&command);
	_exit(said);
}

static void start(struct fixture *f, bool leads_session)
{
	struct deadline deadline = deadline_in(PATIENCE_MS);
	struct error err;
	int fds[2], rc;

	assert_int_equal(pipe(fds), 0);
	rc = process_fork("the job", &f->job, &err);
	if (rc == 0)
		play(fds[1], leads_session);
	assert_int_equal(rc, 1);
	assert_int_equal(fd_wait(fds[0], POLLIN, &deadline, -1), 0);
	assert_int_equal(read(fds[0], &f->command, sizeof(f->command)), sizeof(f->command));
	close(fds[0]);
	close(fds[1]);
}

static void await_stop(const struct fixture *f)
{
	struct deadline deadline = deadline_in(PATIENCE_MS);
	int status;
	pid_t pid;

	while ((pid = waitpid(f->job.pid, &status, WUNTRACED | WNOHANG)) == 0 &&
	       deadline_left(&deadline) != 0)
		usleep(1000);
	assert_int_equal(pid, f->job.pid);
	assert_true(WIFSTOPPED(status));
}

static int end_of(struct fixture *f)
{
	struct deadline deadline = deadline_in(PATIENCE_MS);
	int status;

	assert_int_equal(process_wait(&f->job, &deadline, -1, &status), 0);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void a_session_leader_does_not_stop(void **state)
{
	struct fixture f;

	(void)state;
	start(&f, true);
	assert_int_equal(end_of(&f), WENT_ON);
}

static void the_shell_stops_and_continues_the_job(void **state)
{
	struct fixture f;

	(void)state;
	start(&f, false);
	await_stop(&f);
	assert_int_equal(kill(f.job.pid, SIGCONT), 0);
	assert_int_equal(end_of(&f), CONTINUED | CONT_IS_PENDING);
}

/* The SIGCONT that continued the job is not for the command. */
static void continuing_the_command_continues_the_job(void **state)
{
	struct fixture f;

	(void)state;
	start(&f, false);
	await_stop(&f);
	assert_int_equal(kill(f.command, SIGCONT), 0);
	assert_int_equal(end_of(&f), CONTINUED);
}

static void killing_the_command_continues_the_job(void **state)
{
	struct fixture f;

	(void)state;
	start(&f, false);
	await_stop(&f);
	assert_int_equal(kill(f.command, SIGKILL), 0);
	assert_int_equal(end_of(&f), CONTINUED);
}

/* SIGCONT arrives before the job has stopped, while it stops, or after. */
static void a_command_that_is_continued_at_once_leaves_no_process_stopped(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++) {
		struct fixture f;
		int said;

		start(&f, false);
		usleep((useconds_t)i * 50);
		assert_int_equal(kill(f.command, SIGCONT), 0);
		said = end_of(&f);
		assert_int_equal(said, CONTINUED);
	}
}

static void the_state_in_proc_counts(void **state)
{
	struct process command = PROCESS_NONE;
	int status;

	(void)state;
	/* Unknown counts as stopped. */
	assert_true(job_is_stopped(&command));
	assert_int_equal(start_command(&command), 0);
	assert_true(job_is_stopped(&command));
	assert_int_equal(kill(command.pid, SIGCONT), 0);
	assert_int_equal(waitpid(command.pid, &status, WCONTINUED), command.pid);
	assert_false(job_is_stopped(&command));
	assert_int_equal(kill(command.pid, SIGKILL), 0);
	assert_int_equal(waitpid(command.pid, &status, 0), command.pid);
	assert_false(job_is_stopped(&command));
	process_forget(&command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_leader_does_not_stop),
		cmocka_unit_test(the_shell_stops_and_continues_the_job),
		cmocka_unit_test(continuing_the_command_continues_the_job),
		cmocka_unit_test(killing_the_command_continues_the_job),
		cmocka_unit_test(a_command_that_is_continued_at_once_leaves_no_process_stopped),
		cmocka_unit_test(the_state_in_proc_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

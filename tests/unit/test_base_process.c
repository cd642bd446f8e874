/* SPDX-License-Identifier: Apache-2.0 */
/* Processes that do not die when they are killed: how long we wait for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/spawn.h"

/* Only a failing test waits this long. */
#define PATIENCE_MS 60000

/*
 * A dead traced process belongs to its tracer first: its parent can reap it after the tracer has
 * released it or died.
 */
static void kill_does_not_wait_for_a_traced_process(void **state)
{
	struct deadline deadline = deadline_in(PATIENCE_MS);
	struct process p = PROCESS_NONE, tracer = PROCESS_NONE;
	int64_t start;
	int fds[2], status;
	pid_t pid;
	char byte;

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	if (fork_clean("traced", NULL, 0, &p, NULL) == 0) {
		prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
		for (;;)
			pause();
	}
	pid = p.pid;
	if (fork_clean("tracer", &fds[1], 1, &tracer, NULL) == 0) {
		while (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0)
			(void)poll(NULL, 0, 10);
		(void)!write(fds[1], "x", 1);
		for (;;)
			pause();
	}
	close(fds[1]);
	assert_int_equal(fd_wait(fds[0], POLLIN, &deadline, -1), 0);
	assert_int_equal(read(fds[0], &byte, 1), 1);
	close(fds[0]);
	start = clock_ms();
	process_kill(&p);
	assert_true(clock_ms() - start < PROCESS_KILL_MS + PATIENCE_MS / 2);
	assert_int_equal(p.pid, 0);
	process_kill(&tracer);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

static void abandon_does_not_wait(void **state)
{
	struct process p = PROCESS_NONE;
	int status;
	pid_t pid;

	(void)state;
	if (fork_clean("sleeper", NULL, 0, &p, NULL) == 0)
		for (;;)
			pause();
	pid = p.pid;
	process_abandon(&p);
	assert_int_equal(p.pid, 0);
	assert_int_equal(p.pidfd, -1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	process_abandon(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kill_does_not_wait_for_a_traced_process),
		cmocka_unit_test(abandon_does_not_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process_is_abandoned(), with a process that SIGKILL does not end: the init of a PID namespace,
 * which is not gone before all of its namespace have been reaped (man 7 pid_namespaces), with a
 * process in there whose parent is outside and does not reap it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/spawn.h"
#include "fauxroot/sys/ns.h"

_noreturn_ static void wait_for_ever(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
}

static void make_init(struct process *ret)
{
	struct error err = {0};
	int rc = ns_clone(CLONE_NEWUSER | CLONE_NEWPID, ret, &err);

	if (rc == 0)
		wait_for_ever();
	if (rc < 0)
		fail_msg("%s", err.text);
}

/* Puts a process into @init's namespace, and never reaps it. */
static void make_careless(const struct process *init, struct process *ret)
{
	struct ns_set ns = NS_SET_NONE;
	struct error err = {0};
	int ready[2], rc;
	char byte;

	assert_int_equal(ns_pin(init->pid, CLONE_NEWUSER | CLONE_NEWPID, &ns, &err), 0);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	rc = process_fork("careless", ret, &err);
	if (rc == 0) {
		pid_t pid = setns(ns.user, CLONE_NEWUSER) == 0 && setns(ns.pid, CLONE_NEWPID) == 0
				    ? fork()
				    : -1;

		if (pid > 0)
			(void)fd_write_all(ready[1], "r", 1);
		if (pid < 0)
			_exit(1);
		wait_for_ever();
	}
	assert_int_equal(rc, 1);
	fd_close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	fd_close(ready[0]);
	ns_set_close(&ns);
}

static void see_it_go(pid_t pid)
{
	struct deadline deadline = deadline_in(60000);
	pid_t reaped;
	int status;

	/* And whom the careless one has left to us. */
	while ((reaped = waitpid(-1, &status, WNOHANG | __WALL)) != pid) {
		struct deadline tick = deadline_in(1);

		assert_true(reaped >= 0 && deadline_left(&deadline) > 0);
		(void)fd_wait(-1, 0, &tick, -1);
	}
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_false(process_is_abandoned(pid));
}

static void check_with(void (*leave)(struct process *p))
{
	struct process init = PROCESS_NONE, careless = PROCESS_NONE;
	pid_t pid;
	int lowest;

	lowest = dup(STDERR_FILENO);
	fd_close(lowest);
	make_init(&init);
	make_careless(&init, &careless);
	pid = init.pid;
	assert_false(process_is_abandoned(pid));
	leave(&init);
	assert_int_equal(init.pid, PROCESS_NONE.pid);
	assert_true(process_is_abandoned(pid));
	assert_false(process_is_abandoned(careless.pid));
	/* Not the list of a fork, whose descriptors of these numbers may be others. */
	if (fork() == 0)
		_exit(process_is_abandoned(pid) ? 1 : 42);
	else {
		int status;

		assert_true(waitpid(-1, &status, 0) > 0);
		assert_int_equal(WEXITSTATUS(status), 42);
	}
	process_kill(&careless);
	see_it_go(pid);
	/* Nothing of them is left open. */
	assert_int_equal(dup(STDERR_FILENO), lowest);
	fd_close(lowest);
}

static void one_that_was_abandoned(void **state)
{
	(void)state;
	check_with(process_abandon);
}

static void one_that_was_killed_and_did_not_end(void **state)
{
	(void)state;
	check_with(process_kill);
}

static void one_that_ends_is_none(void **state)
{
	struct process p = PROCESS_NONE;
	struct error err = {0};
	pid_t pid;
	int rc;

	(void)state;
	rc = process_fork("ends", &p, &err);
	if (rc == 0)
		wait_for_ever();
	assert_int_equal(rc, 1);
	pid = p.pid;
	process_abandon(&p);
	see_it_go(pid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_that_was_abandoned),
		cmocka_unit_test(one_that_was_killed_and_did_not_end),
		cmocka_unit_test(one_that_ends_is_none),
	};

	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

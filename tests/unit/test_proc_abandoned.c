/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A child that we do not wait for any more stays in the table until it has exited. SIGKILL does not
 * end this one at once: it is the init of a PID namespace, which exits only after all processes of
 * its namespace are reaped (man 7 pid_namespaces), and one of these has a parent outside that does
 * not reap it.
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
#include "fauxroot/proc/children.h"
#include "fauxroot/sys/ns.h"

static struct children table;

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

/* Create a process in @init's namespace, and never reap it. */
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

	/* Also reap the process that the careless parent has left to us. */
	while (children_reap(&table), children_has(&table, pid)) {
		struct deadline tick = deadline_in(1);

		assert_true(deadline_left(&deadline) > 0);
		(void)fd_wait(-1, 0, &tick, -1);
	}
}

static void never(void *arg, int status)
{
	(void)arg;
	(void)status;
	fail_msg("reported after it was given up");
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
	assert_int_equal(children_watch(&table, pid, never, NULL), 0);
	leave(&init);
	assert_int_equal(init.pid, PROCESS_NONE.pid);
	/* Still a child of ours, not an orphan of the command. */
	assert_true(children_has(&table, pid));
	assert_true(children_has(&table, careless.pid));
	children_reap(&table);
	assert_true(children_has(&table, pid));
	process_kill(&careless);
	see_it_go(pid);
	assert_int_equal(table.n, 0);
	/* None of their descriptors is left open. */
	assert_int_equal(dup(STDERR_FILENO), lowest);
	fd_close(lowest);
}

static void an_abandoned_child_stays_in_the_table(void **state)
{
	(void)state;
	check_with(process_abandon);
}

static void a_killed_child_that_lives_stays_in_the_table(void **state)
{
	(void)state;
	check_with(process_kill);
}

static void its_exit_is_reaped_without_a_report(void **state)
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
	assert_int_equal(children_watch(&table, pid, never, NULL), 0);
	process_abandon(&p);
	see_it_go(pid);
	assert_int_equal(table.n, 0);
}

static int set_up(void **state)
{
	(void)state;
	children_open(&table);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	children_close(&table);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_abandoned_child_stays_in_the_table, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_killed_child_that_lives_stays_in_the_table,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(its_exit_is_reaped_without_a_report, set_up,
						tear_down),
	};

	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

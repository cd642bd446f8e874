/* SPDX-License-Identifier: Apache-2.0 */
/* The table of our own children: its entries, the exits that it reports, and the actions of
 * callbacks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/base/spawn.h"
#include "fauxroot/base/str.h"
#include "fauxroot/proc/children.h"

#define PATIENCE_MS 30000

static struct children table;

/* A child of ours, and the reports about it. */
struct watched {
	struct process process;
	pid_t pid;
	unsigned reports;
	int status; /* from the last report */
	struct watched *other;
};

/* It waits for SIGKILL, or exits at once with @code >= 0. */
static void make(struct watched *w, int code, child_changed *changed)
{
	struct error err = {0};
	int rc;

	*w = (struct watched){.process = PROCESS_NONE};
	rc = process_fork("a child", &w->process, &err);
	if (rc == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (code >= 0)
			_exit(code);
		for (;;)
			pause();
	}
	assert_int_equal(rc, 1);
	w->pid = w->process.pid;
	assert_true(children_has(&table, w->pid));
	if (changed)
		assert_int_equal(children_watch(&table, w->pid, changed, w), 0);
}

static void note(void *arg, int status)
{
	struct watched *w = arg;

	w->reports++;
	w->status = status;
	if (!WIFSTOPPED(status))
		process_forget(&w->process);
}

/* Wait until it is a zombie. */
static void await_end(const struct watched *w)
{
	struct deadline deadline = deadline_in(PATIENCE_MS);

	assert_int_equal(fd_wait(w->process.pidfd, POLLIN, &deadline, -1), 0);
}

static void the_exit_of_a_watched_child_is_reported_once(void **state)
{
	struct watched w;

	(void)state;
	make(&w, 7, note);
	await_end(&w);
	children_reap(&table);
	assert_int_equal(w.reports, 1);
	assert_true(WIFEXITED(w.status) && WEXITSTATUS(w.status) == 7);
	assert_false(children_has(&table, w.pid));
	children_reap(&table);
	assert_int_equal(w.reports, 1);
}

/* Children that exit without end must not keep the launcher busy without end. */
static void a_limited_number_is_reaped_at_once(void **state)
{
	struct watched last;

	(void)state;
	for (unsigned i = 0; i < CHILDREN_AT_ONCE; i++) {
		struct watched w;

		make(&w, 0, NULL);
		await_end(&w);
		process_forget(&w.process);
	}
	make(&last, 3, note);
	await_end(&last);
	assert_true(children_reap(&table));
	assert_int_equal(table.n, 1);
	assert_int_equal(last.reports, 0);
	assert_false(children_reap(&table));
	assert_int_equal(table.n, 0);
	assert_int_equal(last.reports, 1);
}

/* The fork itself has entered it in the table, so an early exit makes no difference. */
static void an_exit_before_the_watch_is_reported(void **state)
{
	struct watched w;

	(void)state;
	make(&w, 3, NULL);
	await_end(&w);
	assert_true(children_has(&table, w.pid));
	assert_int_equal(children_watch(&table, w.pid, note, &w), 0);
	children_reap(&table);
	assert_int_equal(w.reports, 1);
}

static void a_helper_is_in_the_table(void **state)
{
	const char *const argv[] = {"/bin/true", NULL};
	const struct helper_spec spec = {.argv = argv, .role = "true"};
	struct deadline deadline = deadline_in(PATIENCE_MS);
	struct helper helper = HELPER_NONE;
	struct error err = {0};
	int status;

	(void)state;
	assert_int_equal(helper_start(&helper, &spec, &err), 0);
	assert_true(children_has(&table, helper.process.pid));
	assert_int_equal(helper_finish(&helper, 1, &deadline, -1, &status, &err), 0);
	assert_int_equal(table.n, 0);
}

static void a_stop_and_then_the_exit_are_reported(void **state)
{
	struct deadline deadline = deadline_in(PATIENCE_MS);
	struct watched w;

	(void)state;
	make(&w, -1, note);
	process_signal(&w.process, SIGSTOP);
	while (children_reap(&table), w.reports == 0)
		assert_true(deadline_left(&deadline) > 0);
	assert_true(WIFSTOPPED(w.status));
	assert_true(children_has(&table, w.pid));
	process_signal(&w.process, SIGKILL);
	await_end(&w);
	children_reap(&table);
	assert_int_equal(w.reports, 2);
	assert_true(WIFSIGNALED(w.status));
}

static void a_wait_removes_the_child(void **state)
{
	struct deadline deadline = deadline_in(PATIENCE_MS);
	struct watched waited, killed;
	int status;

	(void)state;
	make(&waited, 0, note);
	make(&killed, -1, note);
	assert_int_equal(process_wait(&waited.process, &deadline, -1, &status), 0);
	process_kill(&killed.process);
	assert_int_equal(table.n, 0);
	children_reap(&table);
	assert_int_equal(waited.reports + killed.reports, 0);
}

/* As init of a PID namespace, which can choose the next PID (man 5 proc, ns_last_pid). */
static void reuse_a_pid(void)
{
	struct watched first, second;
	char last[16];
	int fd;

	children_close(&table);
	children_open(&table);
	make(&first, -1, note);
	process_kill(&first.process);
	fd = open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC);
	if (fd < 0 || str_print(last, sizeof(last), "%d", first.pid - 1) < 0 ||
	    fd_write_all(fd, last, strlen(last)) < 0)
		_exit(77);
	make(&second, 0, NULL);
	if (second.pid != first.pid)
		_exit(77);
	await_end(&second);
	children_reap(&table);
	/* The watcher of the old child does not know the new one. */
	_exit(first.reports == 0 && second.reports == 0 && table.n == 0 ? 42 : 1);
}

static void a_reused_pid_is_another_child(void **state)
{
	pid_t pid;
	int status;

	(void)state;
	pid = (pid_t)syscall(SYS_clone, CLONE_NEWUSER | CLONE_NEWPID | SIGCHLD, NULL, NULL, NULL,
			     NULL);
	assert_true(pid >= 0);
	if (pid == 0)
		reuse_a_pid();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	/* A kernel without CONFIG_CHECKPOINT_RESTORE. */
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 42);
}

static void fork_another(void *arg, int status)
{
	struct watched *w = arg;

	note(arg, status);
	/* More children than the table has room for. */
	for (int i = 0; i < 40; i++)
		make(&w->other[i], i, note);
}

static void a_callback_may_fork(void **state)
{
	struct watched w, more[40] = {0};

	(void)state;
	make(&w, 0, fork_another);
	w.other = more;
	await_end(&w);
	children_reap(&table);
	assert_int_equal(w.reports, 1);
	for (int i = 0; i < 40; i++)
		if (more[i].process.pid > 0)
			await_end(&more[i]);
	children_reap(&table);
	for (int i = 0; i < 40; i++) {
		assert_int_equal(more[i].reports, 1);
		assert_int_equal(WEXITSTATUS(more[i].status), i);
	}
	assert_int_equal(table.n, 0);
}

static void end_the_other(void *arg, int status)
{
	struct watched *w = arg;

	note(arg, status);
	process_kill(&w->other->process);
}

/* Both have exited. The callback of the first reaps the other, which is then not reported. */
static void a_callback_may_kill_another_child(void **state)
{
	struct watched a, b;

	(void)state;
	make(&a, 1, end_the_other);
	make(&b, 2, end_the_other);
	a.other = &b;
	b.other = &a;
	await_end(&a);
	await_end(&b);
	children_reap(&table);
	assert_int_equal(a.reports + b.reports, 1);
	assert_int_equal(table.n, 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void close_the_table(void *arg, int status)
{
	note(arg, status);
	children_close(&table);
}

/* As when a vital process has exited, and everything is shut down. */
static void a_callback_may_close_the_table(void **state)
{
	struct watched a, b;

	(void)state;
	make(&a, 1, close_the_table);
	make(&b, 2, close_the_table);
	await_end(&a);
	await_end(&b);
	children_reap(&table);
	assert_int_equal(a.reports + b.reports, 1);
	process_forget(&a.process);
	process_forget(&b.process);
}

static void a_fork_has_its_own_children(void **state)
{
	struct watched w;
	int status;

	(void)state;
	make(&w, -1, note);
	if (fork() == 0) {
		struct process own = PROCESS_NONE;
		struct error err = {0};
		int rc = process_fork("a grandchild", &own, &err);

		if (rc == 0)
			_exit(0);
		_exit(rc == 1 && table.n == 1 && !children_has(&table, own.pid) ? 42 : 1);
	}
	assert_true(waitpid(-1, &status, 0) > 0);
	assert_int_equal(WEXITSTATUS(status), 42);
	process_kill(&w.process);
	assert_int_equal(table.n, 0);
}

/* A child that another process has created for us (CLONE_PARENT), not reported by a fork of
 * ours. */
static void a_child_forked_for_us_is_added(void **state)
{
	struct deadline deadline = deadline_in(PATIENCE_MS);
	struct watched w = {.process = PROCESS_NONE};

	(void)state;
	w.pid = fork();
	if (w.pid == 0)
		_exit(9);
	assert_false(children_has(&table, w.pid));
	assert_int_equal(children_watch(&table, w.pid, note, &w), 0);
	while (children_reap(&table), w.reports == 0)
		assert_true(deadline_left(&deadline) > 0);
	assert_int_equal(WEXITSTATUS(w.status), 9);
}

static size_t waits;

/* The calls of the program under test arrive here: all its ways to reap are counted. */
/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): libc's are reserved */
pid_t waitpid(pid_t pid, int *status, int options)
{
	waits++;
	return (pid_t)syscall(SYS_wait4, pid, status, options, NULL);
}

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): libc's are reserved */
int waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
	waits++;
	return (int)syscall(SYS_waitid, type, id, info, options, NULL);
}

/*
 * Reap @n unregistered dead children, beside a dozen of ours. Each takes one call and a look-up
 * among the dozen, and each turn may end with a call that finds nothing.
 */
static void reap_orphans(size_t n)
{
	size_t turns = 0;
	bool more;
	struct watched ours[12];
	siginfo_t info;
	pid_t last = -1;

	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		make(&ours[i], -1, note);
	for (size_t i = 0; i < n; i++) {
		last = fork();
		if (last == 0)
			_exit(0);
		assert_true(last > 0);
		/* Each is dead before the next is forked, so that only one runs at a time. */
		assert_int_equal(waitid(P_PID, (id_t)last, &info, WEXITED | WNOWAIT), 0);
	}
	waits = 0;
	do {
		more = children_reap(&table);
		turns++;
		assert_int_equal(table.n, ARRAY_SIZE(ours));
	} while (more);
	assert_int_equal(turns, n / CHILDREN_AT_ONCE + 1);
	assert_in_range(waits, n, n + turns);
	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		process_kill(&ours[i].process);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

/* The calls are counted, not the time, which depends on the machine's other work. */
static void reaping_work_is_linear_in_the_exited(void **state)
{
	(void)state;
	reap_orphans(1);
	reap_orphans(250);
	reap_orphans(2000);
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
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(the_exit_of_a_watched_child_is_reported_once),
		TEST(a_limited_number_is_reaped_at_once),
		TEST(an_exit_before_the_watch_is_reported),
		TEST(a_helper_is_in_the_table),
		TEST(a_stop_and_then_the_exit_are_reported),
		TEST(a_wait_removes_the_child),
		TEST(a_reused_pid_is_another_child),
		TEST(a_callback_may_fork),
		TEST(a_callback_may_kill_another_child),
		TEST(a_callback_may_close_the_table),
		TEST(a_fork_has_its_own_children),
		TEST(a_child_forked_for_us_is_added),
		TEST(reaping_work_is_linear_in_the_exited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

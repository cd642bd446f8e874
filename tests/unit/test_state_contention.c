/* SPDX-License-Identifier: Apache-2.0 */
/* Several processes and one state directory. Runs as any user. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/forks.h"
#include "fauxroot/base/str.h"
#include "fauxroot/state/statedir.h"
#include "state_fixture.h"

/* Start a process that holds the directory until it is killed. Returns its PID when it holds it. */
static pid_t start_holder(const char *path, bool lock_file_only)
{
	char byte;
	int fds[2];
	pid_t pid;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct statedir d;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (lock_file_only) {
			/* RootlessKit locks only the file. */
			int fd = open(path, O_RDONLY | O_CLOEXEC);

			if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
				_exit(1);
		} else if (statedir_open(path, -1, &d, NULL) < 0 ||
			   statedir_write(&d, "child_pid", "1", 1, 0444, NULL) < 0) {
			_exit(1);
		}
		if (write(fds[1], "x", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	close(fds[1]);
	assert_int_equal(read(fds[0], &byte, 1), 1);
	close(fds[0]);
	return pid;
}

static void end_holder(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void a_busy_directory_is_refused(void **state)
{
	struct statedir d;
	pid_t holder;
	char words[64];

	(void)state;
	holder = start_holder("s", false);
	(void)str_print(words, sizeof(words), "is in use by process %d (", (int)holder);
	assert_int_equal(chmod("s", 0755), 0);
	assert_refused("s", -EBUSY, words);
	/* nothing has changed, even after its lock file was removed */
	assert_int_equal(mode_of("s"), 0755);
	assert_true(exists("s/child_pid"));
	unlink("s/lock");
	assert_refused("s", -EBUSY, words);
	assert_false(exists("s/lock"));
	end_holder(holder);
	/* the directory of a killed holder is free, with its files */
	assert_open("s", &d);
	assert_false(exists("s/child_pid"));
	statedir_remove(&d);
}

static int refuse_fork(void *arg)
{
	(void)arg;
	return -EAGAIN;
}

/* The wait for a lock needs a process. Without one the directory is not free. */
static void a_busy_directory_is_refused_without_a_process_to_wait(void **state)
{
	const struct fork_observer observer = {.expect = refuse_fork};
	pid_t holder = start_holder("s", false);
	struct statedir d;

	(void)state;
	unlink("s/lock");
	forks_observe(&observer);
	assert_refused("s", -EAGAIN, "forking state lock");
	forks_observe(NULL);
	assert_true(exists("s/child_pid"));
	end_holder(holder);
	assert_open("s", &d);
	statedir_remove(&d);
}

static void a_directory_with_only_its_lock_file_locked_is_refused(void **state)
{
	pid_t holder;
	char words[64];

	(void)state;
	assert_int_equal(mkdir("s", 0755), 0);
	touch("s/lock");
	touch("s/child_pid");
	holder = start_holder("s/lock", true);
	(void)str_print(words, sizeof(words), "is in use by process %d (", (int)holder);
	assert_refused("s", -EBUSY, words);
	assert_int_equal(mode_of("s"), 0755);
	assert_true(exists("s/child_pid"));
	end_holder(holder);
	unlink("s/lock");
	unlink("s/child_pid");
	rmdir("s");
}

/* Wait until a process, or the helper that waits for it, blocks in flock(2). */
static void wait_for_waiter(void)
{
	for (int i = 0; i < 500; i++) {
		_cleanup_free_ char *text = NULL;

		assert_int_equal(file_read_bounded(AT_FDCWD, "/proc/locks", 1 << 20, &text, NULL),
				 0);
		if (strstr(text, "-> FLOCK"))
			return;
		usleep(1000);
	}
}

static void leave_dead(struct statedir *d)
{
	statedir_close(d);
}

static void leave_clean(struct statedir *d)
{
	statedir_remove(d);
}

/* The path no longer leads to the file that the waiter locks. */
static void leave_renamed(struct statedir *d)
{
	assert_int_equal(rename("s", "away"), 0);
	statedir_close(d);
}

/* RootlessKit locks only the file. */
static void leave_as_rootlesskit(struct statedir *d)
{
	assert_int_equal(unlink("s/lock"), 0);
	assert_int_equal(rmdir("s"), 0);
	statedir_close(d);
}

/* The waiter has waited for as long as a launcher waits. */
#define EXIT_BUSY 3

static void wait_and_take(void)
{
	struct statedir d;
	int rc = statedir_open("s", -1, &d, NULL);

	if (rc < 0)
		_exit(rc == -EBUSY ? EXIT_BUSY : 1);
	if (statedir_write(&d, "child_pid", "2", 1, 0444, NULL) < 0 || !exists("s/child_pid"))
		_exit(2);
	statedir_remove(&d);
	_exit(0);
}

struct departure {
	void (*leave)(struct statedir *d);
	bool file_only;
};

/* Let the owner of a directory leave while another process waits for it. Returns the waiter's
 * status. */
static int depart(const struct departure *departure)
{
	struct statedir d;
	pid_t waiter;
	int status;

	assert_open("s", &d);
	if (departure->file_only)
		assert_int_equal(flock(d.dir, LOCK_UN), 0);
	waiter = fork();
	assert_true(waiter >= 0);
	if (waiter == 0) {
		/* This closes only our copies; the parent keeps the locks. */
		statedir_close(&d);
		wait_and_take();
	}
	wait_for_waiter();
	departure->leave(&d);
	assert_int_equal(waitpid(waiter, &status, 0), waiter);
	return status;
}

static void remove_left(void)
{
	unlink("away/lock");
	rmdir("away");
}

/* A predecessor exits while we wait, in several ways: we always get a directory of our own at the
 * path. */
static void a_dying_predecessor_is_waited_for(void **state)
{
	static const struct departure cases[] = {
		{leave_dead, false},
		{leave_clean, false},
		{leave_renamed, false},
		{leave_as_rootlesskit, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int status = W_EXITCODE(EXIT_BUSY, 0);

		/* On a busy machine the waiter's second can pass before the owner has left. */
		for (int tries = 0; tries < 30 && status == W_EXITCODE(EXIT_BUSY, 0); tries++) {
			status = depart(&cases[i]);
			if (status != 0)
				remove_left();
		}
		print_message("case %zu: %d\n", i, status);
		assert_int_equal(status, 0);
		assert_false(exists("s"));
		remove_left();
	}
}

/*
 * Processes compete for one directory: at any time one of them has it. The winner makes a file
 * outside exclusively; if two had the directory, the second would find the file.
 */
static _Noreturn void fight(int rounds, bool die)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int i = 0; i < rounds; i++) {
		struct statedir d;
		int fd, rc = statedir_open("s", -1, &d, NULL);

		if (rc == -EBUSY)
			continue;
		if (rc < 0)
			_exit(1);
		fd = open("winner", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd < 0)
			_exit(2);
		if (statedir_write(&d, "child_pid", "1", 1, 0444, NULL) < 0 ||
		    !exists("s/child_pid") || !exists("s/lock"))
			_exit(3);
		close(fd);
		unlink("winner");
		/* No clean-up: the kernel releases the locks, the next one finds the files. */
		if (die && i == rounds - 1)
			_exit(0);
		if (exists("s/child_pid") == false)
			_exit(4);
		statedir_remove(&d);
	}
	_exit(0);
}

static void competing_launchers_get_the_directory_in_turn(void **state)
{
	struct statedir d;
	pid_t pids[4];
	int status;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0)
			fight(100, i % 2);
	}
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	assert_open("s", &d);
	statedir_remove(&d);
	assert_false(exists("s"));
	assert_false(exists("winner"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_busy_directory_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_busy_directory_is_refused_without_a_process_to_wait, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_directory_with_only_its_lock_file_locked_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_dying_predecessor_is_waited_for, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(competing_launchers_get_the_directory_in_turn,
						set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The holder of a lock, from /proc/locks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/clock.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/str.h"
#include "state/lock.h"

static const struct {
	const char *text;
	pid_t want;
} cases[] = {
	{"", 0},
	{"1: FLOCK  ADVISORY  WRITE 1234 00:2f:5678 0 EOF\n", 1234},
	{"1: FLOCK  ADVISORY  WRITE 1234 00:2f:5678 0 EOF", 1234},
	{"1: FLOCK  ADVISORY  READ  1234 00:2f:5678 0 EOF\n", 1234},
	{"9: FLOCK  ADVISORY  WRITE 1 00:2f:5679 0 EOF\n"
	 "10: FLOCK  ADVISORY  WRITE 2 00:2f:567 0 EOF\n"
	 "11: FLOCK  ADVISORY  WRITE 3 00:20:5678 0 EOF\n"
	 "12: FLOCK  ADVISORY  WRITE 4 01:2f:5678 0 EOF\n"
	 "13: FLOCK  ADVISORY  WRITE 5 00:2f:5678 0 EOF\n",
	 5},
	/* a waiter, other kinds of locks, a holder in another PID namespace */
	{"1: -> FLOCK  ADVISORY  WRITE 99 00:2f:5678 0 EOF\n", 0},
	{"1: POSIX  ADVISORY  WRITE 99 00:2f:5678 0 EOF\n", 0},
	{"1: OFDLCK ADVISORY  WRITE -1 00:2f:5678 0 EOF\n", 0},
	{"1: FLOCK  ADVISORY  WRITE 0 00:2f:5678 0 EOF\n", 0},
	{"1: FLOCK  ADVISORY  WRITE -1 00:2f:5678 0 EOF\n", 0},
	{"1: FLOCK  ADVISORY  WRITE 99999999999 00:2f:5678 0 EOF\n", 0},
	/* invalid lines */
	{"1: FLOCK  ADVISORY  WRITE 1234 00:2F:5678 0 EOF\n", 0},
	{"1: FLOCK  ADVISORY  WRITE 1234 :2f:5678 0 EOF\n", 0},
	{"1: FLOCK  ADVISORY  WRITE 1234 00:2f: 0 EOF\n", 0},
	{"1: FLOCK  ADVISORY  WRITE 1234 00\n", 0},
	{"1: FLOCK  ADVISORY  WRITE 1234\n", 0},
	{"1: FLOCK\n", 0},
	{"FLOCK\n\n\n1:\n", 0},
};

static void the_holder_is_found_in_proc_locks(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		print_message("%s", cases[i].text);
		assert_int_equal(lock_holder_in(cases[i].text, strlen(cases[i].text),
						makedev(0, 0x2f), 5678),
				 cases[i].want);
	}
	/* on any device */
	assert_int_equal(lock_holder_in(cases[1].text, strlen(cases[1].text), 0, 5678), 1234);
	assert_int_equal(lock_holder_in(cases[1].text, strlen(cases[1].text), 0, 5679), 0);
}

/*
 * Are we in the machine's first PID namespace? Only there /proc/locks shows a lock whose owner has
 * exited. In a container the kernel leaves out PIDs that it cannot translate
 * (locks_translate_pid(), PROC_PID_INIT_INO).
 */
static int in_first_pidns(void)
{
	struct stat st;

	assert_int_equal(stat("/proc/self/ns/pid", &st), 0);
	return st.st_ino == 0xEFFFFFFCU;
}

/* A fork keeps a lock after its owner has exited: the message says so, the error is about no PID.
 */
static void an_inherited_lock_names_its_exited_owner(void **state)
{
	char path[] = "/tmp/test_state_lock.XXXXXX", want[128], byte;
	struct lock_patience past = {deadline_in(0), -1};
	int fd = mkostemp(path, O_CLOEXEC), life[2], ready[2];
	struct error err;
	pid_t owner;

	(void)state;
	assert_true(fd >= 0);
	/* Adopt the orphan, as this test would anyway if it were PID 1. */
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	assert_int_equal(pipe2(life, O_CLOEXEC), 0);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	owner = fork();
	if (owner == 0) {
		int own = open(path, O_RDWR | O_CLOEXEC);

		close(fd);
		close(life[1]);
		if (own < 0 || flock(own, LOCK_EX | LOCK_NB) < 0)
			_exit(1);
		/* The fork exits with the test: at end of file. */
		if (fork() == 0) {
			close(ready[1]);
			_exit(read(life[0], &byte, 1) == 0 ? 0 : 1);
		}
		_exit(0);
	}
	close(life[0]);
	close(ready[1]);
	assert_int_equal(waitpid(owner, NULL, 0), owner);
	assert_int_equal(lock_take(fd, &past, NULL), -EBUSY);
	if (in_first_pidns())
		(void)str_print(want, sizeof(want),
				"state directory \"/x\": is in use by a process that inherited the "
				"lock of process %d, which has exited",
				(int)owner);
	else
		(void)str_print(want, sizeof(want),
				"state directory \"/x\": is in use by another process "
				"(/proc/locks does not show which)");
	assert_int_equal(lock_is_taken(fd, "/x", &err), -EBUSY);
	assert_string_equal(err.text, want);
	assert_int_equal(err.reason, REASON_IN_USE);
	assert_string_equal(err.about, "");
	close(life[1]);
	/* It exits now. We wait for the lock, and then hold it. */
	past.deadline = deadline_in(60000);
	assert_int_equal(lock_take(fd, &past, NULL), 0);
	(void)str_print(want, sizeof(want), "state directory \"/x\": is in use by process %d (",
			(int)getpid());
	assert_int_equal(lock_is_taken(fd, "/x", &err), -EBUSY);
	assert_non_null(str_after(err.text, want));
	(void)str_print(want, sizeof(want), "%d", (int)getpid());
	assert_string_equal(err.about, want);
	assert_true(waitpid(-1, NULL, 0) > 0);
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
	close(ready[0]);
	close(fd);
	unlink(path);
}

/* The wait ends at the deadline, and no helper is left. */
static void the_wait_ends_at_the_deadline(void **state)
{
	char path[] = "/tmp/test_state_lock.XXXXXX";
	_cleanup_close_ int fd = mkostemp(path, O_CLOEXEC);
	_cleanup_close_ int other = open(path, O_RDWR | O_CLOEXEC);
	struct lock_patience patience = {deadline_in(50), -1};

	(void)state;
	unlink(path);
	assert_int_equal(flock(other, LOCK_EX | LOCK_NB), 0);
	assert_int_equal(lock_take(fd, &patience, NULL), -EBUSY);
	assert_int_equal(deadline_left(&patience.deadline), 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	other = fd_close(other);
	assert_int_equal(lock_take(fd, &patience, NULL), 0);
}

/* A readable cancel descriptor ends the wait, and no helper is left. */
static void the_wait_can_be_cancelled(void **state)
{
	char path[] = "/tmp/test_state_lock.XXXXXX";
	_cleanup_close_ int fd = mkostemp(path, O_CLOEXEC);
	_cleanup_close_ int other = open(path, O_RDWR | O_CLOEXEC);
	_cleanup_close_ int cancel = eventfd(1, EFD_CLOEXEC);
	struct lock_patience patience = {deadline_in(60000), cancel};

	(void)state;
	unlink(path);
	assert_int_equal(flock(other, LOCK_EX | LOCK_NB), 0);
	assert_int_equal(lock_take(fd, &patience, NULL), -ECANCELED);
	assert_true(deadline_left(&patience.deadline) > 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_holder_is_found_in_proc_locks),
		cmocka_unit_test(an_inherited_lock_names_its_exited_owner),
		cmocka_unit_test(the_wait_can_be_cancelled),
		cmocka_unit_test(the_wait_ends_at_the_deadline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

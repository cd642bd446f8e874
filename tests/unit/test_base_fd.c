/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <seccomp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/libc.h"
#include "fauxroot/base/str.h"

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static bool is_cloexec(int fd)
{
	return fcntl(fd, F_GETFD) == FD_CLOEXEC;
}

/* A descriptor with a given number. */
static int open_at(int number)
{
	int fd = open("/dev/null", O_RDONLY);

	assert_true(fd >= 0);
	if (fd != number) {
		assert_int_equal(dup2(fd, number), number);
		close(fd);
	}
	return number;
}

/* Run @job in a new process; it returns 0 on success. */
static void in_child(int (*job)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(job());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void fd_close_keeps_errno(void **state)
{
	int fd = open_at(40);

	(void)state;
	errno = ENOENT;
	fd = fd_close(fd);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(fd, -1);
	assert_false(is_open(40));
	/* An error of close(2) itself does not change errno either. */
	errno = ENOENT;
	fd_close(40);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(fd_close(-1), -1);
}

static void take_fd_moves_ownership(void **state)
{
	int taken;

	(void)state;
	{
		_cleanup_close_ int a = open_at(40);
		_cleanup_close_ int b = open_at(41);

		taken = TAKE_FD(b);
		assert_int_equal(b, -1);
		assert_int_equal(a, 40);
	}
	assert_false(is_open(40));
	assert_true(is_open(41));
	fd_close(taken);
}

static void cloexec_is_set_and_cleared(void **state)
{
	_cleanup_close_ int fd = open_at(40);

	(void)state;
	assert_false(is_cloexec(fd));
	assert_int_equal(fd_set_cloexec(fd, 1), 0);
	assert_true(is_cloexec(fd));
	assert_int_equal(fd_set_cloexec(fd, 0), 0);
	assert_false(is_cloexec(fd));
	assert_int_equal(fd_set_cloexec(999, 1), -EBADF);
}

static int close_all_but_some(void)
{
	/* Unsorted, with a duplicate, a negative number, one that is not open, and a standard
	 * descriptor. */
	const int keep[] = {70, -1, 40, 1, 55, 40};

	for (int fd = 40; fd <= 72; fd++)
		open_at(fd);
	if (fd_close_all_except(keep, ARRAY_SIZE(keep)) < 0)
		return 1;
	for (int fd = 3; fd < 100; fd++)
		if (is_open(fd) != (fd == 40 || fd == 55 || fd == 70))
			return 2;
	return is_open(0) == (fcntl(0, F_GETFD) >= 0) && is_open(1) ? 0 : 3;
}

static int close_all(void)
{
	open_at(40);
	open_at(3);
	return fd_close_all_except(NULL, 0) == 0 && !is_open(3) && !is_open(40) ? 0 : 1;
}

static int let_go(void)
{
	struct stat null, out;

	open_at(40);
	open_at(41);
	if (fd_set_cloexec(41, 1) < 0)
		return 1;
	fd_close_inherited();
	if (is_open(40) || !is_open(41) || !is_open(2))
		return 2;
	return stat("/dev/null", &null) == 0 && fstat(0, &out) == 0 &&
			       out.st_rdev == null.st_rdev && fstat(1, &out) == 0 &&
			       out.st_rdev == null.st_rdev
		       ? 0
		       : 3;
}

/* As in containers whose seccomp profile refuses the call. */
static int refuse_close_range(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int rc = 1;

	if (filter &&
	    seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(close_range), 0) == 0 &&
	    seccomp_load(filter) == 0)
		rc = syscall(SYS_close_range, 900, 901, 0) < 0 && errno == ENOSYS ? 0 : 1;
	seccomp_release(filter);
	return rc;
}

static int close_all_but_some_refused(void)
{
	return refuse_close_range() || close_all_but_some();
}

static int close_all_refused(void)
{
	return refuse_close_range() || close_all();
}

static void all_except_some_are_closed(void **state)
{
	(void)state;
	in_child(close_all_but_some);
	in_child(close_all);
	in_child(close_all_but_some_refused);
	in_child(close_all_refused);
}

static void inherited_descriptors_are_closed(void **state)
{
	(void)state;
	in_child(let_go);
}

static void too_many_kept_descriptors_are_an_error(void **state)
{
	int keep[65];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(keep); i++)
		keep[i] = (int)i;
	assert_int_equal(fd_close_all_except(keep, ARRAY_SIZE(keep)), -E2BIG);
}

static void files_are_read_up_to_a_limit(void **state)
{
	static const size_t sizes[] = {0, 1, 4095, 4096, 4097, 8192, 100000};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		_cleanup_close_ int fd = memfd_create("test", MFD_CLOEXEC);
		_cleanup_free_ char *data = malloc(sizes[i] + 1), *read = NULL;
		size_t size = 99;

		memset(data, 'x', sizes[i]);
		assert_int_equal(fd_write_all(fd, data, sizes[i]), 0);
		lseek(fd, 0, SEEK_SET);
		assert_int_equal(fd_read_bounded(fd, sizes[i], &read, &size), 0);
		assert_int_equal(size, sizes[i]);
		assert_memory_equal(read, data, size);
		assert_int_equal(read[size], '\0');
		if (sizes[i] == 0)
			continue;
		/* One byte more than the limit: the outputs stay unchanged. */
		lseek(fd, 0, SEEK_SET);
		data[0] = 'y';
		free(TAKE_PTR(read));
		size = 99;
		assert_int_equal(fd_read_bounded(fd, sizes[i] - 1, &read, &size), -EFBIG);
		assert_null(read);
		assert_int_equal(size, 99);
	}
}

static void large_files_are_read_in_complete_lines(void **state)
{
	static const struct {
		const char *text;
		size_t max;
		int rc;
		const char *read;
	} table[] = {
		{"a\nbc\nd", 6, 0, "a\nbc\nd"},
		{"a\nbc\nd", 5, 1, "a\nbc\n"},
		{"a\nbc\nd", 4, 1, "a\n"},
		{"a\nbc\nd", 2, 1, "a\n"},
		{"a\nbc\nd", 1, 1, ""},
		{"a\nbc\nd", 0, 1, ""},
		{"abc", 2, 1, ""},
		{"", 0, 0, ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		_cleanup_close_ int fd = memfd_create("test", MFD_CLOEXEC);
		_cleanup_free_ char *read = NULL;
		char path[64];
		size_t size = 99;

		assert_int_equal(fd_write_all(fd, table[i].text, strlen(table[i].text)), 0);
		(void)str_print(path, sizeof(path), "/proc/self/fd/%d", fd);
		assert_int_equal(file_read_lines(AT_FDCWD, path, table[i].max, &read, &size),
				 table[i].rc);
		assert_string_equal(read, table[i].read);
		assert_int_equal(size, strlen(read));
	}
}

static void missing_files_are_enoent(void **state)
{
	_cleanup_free_ char *data = NULL;
	size_t size = 99;

	(void)state;
	assert_int_equal(file_read_bounded(AT_FDCWD, "/nosuch/file", 10, &data, NULL), -ENOENT);
	assert_int_equal(file_read_bounded(AT_FDCWD, "/proc/self", 10, &data, NULL), -EISDIR);
	assert_null(data);
	assert_int_equal(file_read_bounded(AT_FDCWD, "/dev/null", 0, &data, NULL), 0);
	assert_string_equal(data, "");
	assert_int_equal(fd_write_all(-1, "x", 1), -EBADF);
	free(TAKE_PTR(data));
	assert_int_equal(file_read_lines(AT_FDCWD, "/nosuch/file", 10, &data, &size), -ENOENT);
	assert_int_equal(file_read_lines(AT_FDCWD, "/proc/self", 10, &data, &size), -EISDIR);
	assert_null(data);
	assert_int_equal(size, 99);
}

static void fd_wait_ends_for_each_reason(void **state)
{
	int data[2], cancel[2];
	int64_t start = clock_ms();
	struct deadline soon = deadline_in(20), past = deadline_in(0), late = deadline_in(60000);

	(void)state;
	assert_int_equal(pipe2(data, O_CLOEXEC), 0);
	assert_int_equal(pipe2(cancel, O_CLOEXEC), 0);
	assert_int_equal(fd_wait(data[0], POLLIN, &past, -1), -ETIMEDOUT);
	assert_int_equal(fd_wait(data[0], POLLIN, &soon, cancel[0]), -ETIMEDOUT);
	assert_true(clock_ms() - start >= 19);

	assert_int_equal(write(cancel[1], "x", 1), 1);
	assert_int_equal(fd_wait(data[0], POLLIN, NULL, cancel[0]), -ECANCELED);
	/* The signal is not read, and a ready descriptor wins over the cancellation. */
	assert_int_equal(fd_wait(data[0], POLLIN, NULL, cancel[0]), -ECANCELED);
	assert_int_equal(write(data[1], "x", 1), 1);
	assert_int_equal(fd_wait(data[0], POLLIN, &late, cancel[0]), 0);
	close(data[1]);
	assert_int_equal(fd_wait(data[0], POLLIN, &late, -1), 0);
	/* A wait for only the deadline. */
	soon = deadline_in(5);
	assert_int_equal(fd_wait(-1, POLLIN, &soon, -1), -ETIMEDOUT);
	close(data[0]);
	close(cancel[0]);
	close(cancel[1]);
}

static void deadlines_count_down(void **state)
{
	struct deadline past = {.at_ms = 0}, far = {.at_ms = INT64_MAX}, soon = deadline_in(60000);

	(void)state;
	assert_int_equal(deadline_left(NULL), -1);
	assert_int_equal(deadline_left(&past), 0);
	assert_int_equal(deadline_left(&far), INT32_MAX);
	assert_true(deadline_left(&soon) >= 1);
	assert_true(deadline_left(&soon) <= 60000);
}

/* In a child: the hard limit cannot be raised again. */
static void the_limit_is_raised_to_the_hard_one(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		struct rlimit limit = {.rlim_cur = 64, .rlim_max = 100};

		if (setrlimit(RLIMIT_NOFILE, &limit) < 0 || fd_raise_limit() != 100 ||
		    getrlimit(RLIMIT_NOFILE, &limit) < 0)
			_exit(1);
		_exit(limit.rlim_cur == 100 && limit.rlim_max == 100 ? 42 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 42);
}

/* In a child, with room for ten more descriptors. */
static void fd_room_checks_the_limit(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		struct rlimit limit = {13, 13};

		if (fd_close_all_except(NULL, 0) < 0 || setrlimit(RLIMIT_NOFILE, &limit) < 0)
			_exit(1);
		if (fd_room(0) != 0 || fd_room(10) != 0 || fd_room(11) != -EMFILE ||
		    fd_room(FD_ROOM_MAX) != -EMFILE || fd_room(FD_ROOM_MAX + 1) != -E2BIG)
			_exit(2);
		_exit(dup(STDIN_FILENO) == 3 ? 42 : 3);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 42);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fd_close_keeps_errno),
		cmocka_unit_test(take_fd_moves_ownership),
		cmocka_unit_test(cloexec_is_set_and_cleared),
		cmocka_unit_test(all_except_some_are_closed),
		cmocka_unit_test(inherited_descriptors_are_closed),
		cmocka_unit_test(too_many_kept_descriptors_are_an_error),
		cmocka_unit_test(files_are_read_up_to_a_limit),
		cmocka_unit_test(large_files_are_read_in_complete_lines),
		cmocka_unit_test(missing_files_are_enoent),
		cmocka_unit_test(the_limit_is_raised_to_the_hard_one),
		cmocka_unit_test(fd_room_checks_the_limit),
		cmocka_unit_test(fd_wait_ends_for_each_reason),
		cmocka_unit_test(deadlines_count_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* message_send() and message_recv() over a socket pair. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/sys/message.h"

static void descriptors_are_passed_and_lost_ones_detected(void **state)
{
	int pair[2], fds[4] = {-1, -1, -1, -1};
	size_t n = 4;
	char word;
	struct stat sent, got;

	(void)state;
	assert_int_equal(message_pair(pair), 0);
	assert_int_equal(message_send(pair[0], "x", 1, pair, 2), 0);
	assert_int_equal(message_recv(pair[1], &word, 1, fds, &n), 1);
	assert_int_equal(n, 2);
	assert_int_equal(fstat(pair[0], &sent), 0);
	assert_int_equal(fstat(fds[0], &got), 0);
	assert_int_equal(sent.st_ino, got.st_ino);
	assert_true(fcntl(fds[0], F_GETFD) & FD_CLOEXEC);
	fd_close(fds[0]);
	fd_close(fds[1]);

	/* More descriptors than there is room for: those that arrived are closed. */
	n = 1;
	assert_int_equal(message_send(pair[0], "x", 1, pair, 2), 0);
	assert_int_equal(message_recv(pair[1], &word, 1, fds + 1, &n), -EPROTO);
	assert_int_equal(fcntl(fds[0], F_GETFD), -1);

	/* The caller wants no descriptors: none must stay open here. */
	assert_int_equal(message_send(pair[0], "x", 1, pair, 2), 0);
	assert_int_equal(message_recv(pair[1], &word, 1, NULL, NULL), 1);
	assert_int_equal(fcntl(fds[0], F_GETFD), -1);

	assert_int_equal(message_send(pair[0], "xy", 2, NULL, 0), 0);
	assert_int_equal(message_recv(pair[1], &word, 1, NULL, NULL), -EMSGSIZE);
	fd_close(pair[0]);
	assert_int_equal(message_recv(pair[1], &word, 1, NULL, NULL), 0);
	assert_int_equal(message_send(pair[1], "x", 1, NULL, 0), -EPIPE);
	fd_close(pair[1]);
}

/* In a child: no descriptor is free, or only one for the two that arrive. Those that arrived are
 * closed again. */
static void a_shortage_differs_from_a_protocol_error(void **state)
{
	int pair[2], lowest, status;
	pid_t pid;

	(void)state;
	assert_int_equal(message_pair(pair), 0);
	lowest = dup(pair[0]);
	fd_close(lowest);
	assert_int_equal(message_send(pair[0], "x", 1, pair, 2), 0);
	assert_int_equal(message_send(pair[0], "y", 1, pair, 2), 0);
	pid = fork();
	assert_true(pid >= 0);
	for (int free = 0; pid == 0 && free < 2; free++) {
		struct rlimit limit = {(rlim_t)lowest + (rlim_t)free, (rlim_t)lowest + 1};
		int fds[2];
		size_t n = 2;
		char word;

		if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
			_exit(1);
		if (message_recv(pair[1], &word, 1, fds, &n) != -EMFILE || word != "xy"[free])
			_exit(2);
		if (fcntl(lowest, F_GETFD) != -1)
			_exit(3);
		if (free == 1)
			_exit(42);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 42);
	fd_close(pair[0]);
	fd_close(pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(descriptors_are_passed_and_lost_ones_detected),
		cmocka_unit_test(a_shortage_differs_from_a_protocol_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

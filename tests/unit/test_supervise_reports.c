/* SPDX-License-Identifier: Apache-2.0 */
/* Reports from init to the launcher, and the arguments of init: valid and invalid ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/str.h"
#include "fauxroot/base/libc.h"
#include "fauxroot/supervise/initargs.h"
#include "fauxroot/supervise/reported.h"
#include "fauxroot/supervise/reports.h"
#include "fauxroot/sys/message.h"
#include "lingering.h"

static int open_pair(void **state)
{
	static int socks[2];

	*state = socks;
	return reports_open(socks);
}

static int close_pair(void **state)
{
	int *socks = *state;

	fd_close(socks[0]);
	fd_close(socks[1]);
	return 0;
}

static void valid_reports_arrive(void **state)
{
	static const struct report reports[] = {
		{REPORT_ENDED, W_EXITCODE(0, 0), -1},
		{REPORT_ENDED, W_EXITCODE(255, 0), -1},
		{REPORT_ENDED, W_EXITCODE(0, SIGKILL), -1},
		{REPORT_ENDED, W_EXITCODE(0, SIGSEGV) | WCOREFLAG, -1},
		{REPORT_ENDED, W_EXITCODE(0, 64), -1},
		{REPORT_STOPPED, W_STOPCODE(SIGTSTP), -1},
		{REPORT_STOPPED, W_STOPCODE(SIGSTOP), -1},
	};
	int *socks = *state;
	struct report got;

	for (size_t i = 0; i < ARRAY_SIZE(reports); i++) {
		assert_int_equal(report_send(socks[1], &reports[i]), 0);
		assert_int_equal(report_recv(socks[0], false, &got), 1);
		assert_int_equal(got.type, reports[i].type);
		assert_int_equal(got.status, reports[i].status);
		assert_int_equal(got.pidfd, -1);
		assert_int_equal(report_recv(socks[0], false, &got), 0);
	}
}

static void invalid_reports_are_refused(void **state)
{
	static const struct {
		const char *name;
		int32_t words[3];
		size_t size;
	} cases[] = {
		{"one byte", {REPORT_ENDED}, 1},
		{"a type alone", {REPORT_ENDED}, 4},
		{"a byte too many", {REPORT_ENDED, 0}, 9},
		{"a word too many", {REPORT_ENDED, 0}, 12},
		{"type 0", {0, 0}, 8},
		{"a start without a descriptor", {REPORT_STARTED, 0}, 8},
		{"type 4", {4, 0}, 8},
		{"type -1", {-1, 0}, 8},
		{"a stop that is an end", {REPORT_STOPPED, W_EXITCODE(0, SIGKILL)}, 8},
		{"a stop by signal 0", {REPORT_STOPPED, W_STOPCODE(0)}, 8},
		{"a stop by signal 65", {REPORT_STOPPED, W_STOPCODE(65)}, 8},
		{"a stop with more", {REPORT_STOPPED, W_STOPCODE(SIGSTOP) | 1 << 16}, 8},
		{"an end that is a stop", {REPORT_ENDED, W_STOPCODE(SIGSTOP)}, 8},
		{"an end that is a continuation", {REPORT_ENDED, 0xffff}, 8},
		{"an exit status of 256", {REPORT_ENDED, 256 << 8}, 8},
		{"death by signal 65", {REPORT_ENDED, 65}, 8},
		{"death by signal 126", {REPORT_ENDED, 126}, 8},
		{"death by signal, and an exit status", {REPORT_ENDED, 1 << 8 | SIGKILL}, 8},
		{"a negative status", {REPORT_ENDED, -1}, 8},
	};
	int *socks = *state;
	struct report got = {.status = 77};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		print_message("%s\n", cases[i].name);
		assert_int_equal(message_send(socks[1], cases[i].words, cases[i].size, NULL, 0), 0);
		assert_int_equal(report_recv(socks[0], false, &got), -EPROTO);
		assert_int_equal(got.status, 77);
	}
}

static void only_a_start_has_a_descriptor(void **state)
{
	int *socks = *state, lowest = dup(0);
	static const struct {
		int32_t words[2];
		size_t n_fds;
	} cases[] = {
		{{REPORT_ENDED, 0}, 1},
		{{REPORT_STARTED, 0}, 2},
		{{REPORT_STARTED, 1}, 1},
	};
	const struct report start = {.type = REPORT_STARTED, .pidfd = socks[1]};
	struct report got;

	fd_close(lowest);
	assert_int_equal(report_send(socks[1], &start), 0);
	assert_int_equal(report_recv(socks[0], false, &got), 1);
	assert_int_equal(got.type, REPORT_STARTED);
	assert_int_equal(got.pidfd, lowest);
	fd_close(got.pidfd);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(message_send(socks[1], cases[i].words, sizeof(cases[i].words),
					      socks, cases[i].n_fds),
				 0);
		assert_int_equal(report_recv(socks[0], false, &got), -EPROTO);
		assert_int_equal(dup(0), lowest);
		fd_close(lowest);
	}
	/* A second STARTED is forged by the command, and its descriptor is not received. */
	assert_int_equal(report_send(socks[1], &start), 0);
	assert_int_equal(report_recv(socks[0], true, &got), -EPROTO);
	assert_int_equal(dup(0), lowest);
	fd_close(lowest);
}

static void full_and_empty_sockets_do_not_block(void **state)
{
	int *socks = *state;
	const struct report stop = {REPORT_STOPPED, W_STOPCODE(SIGSTOP), -1};
	struct report got;
	int sent = 0, rc;

	assert_int_equal(report_recv(socks[0], false, &got), 0);
	while ((rc = report_send(socks[1], &stop)) == 0)
		sent++;
	assert_int_equal(rc, -EAGAIN);
	assert_true(sent > 10);
	socks[1] = fd_close(socks[1]);
	while ((rc = report_recv(socks[0], false, &got)) == 1)
		sent--;
	assert_int_equal(sent, 0);
	assert_int_equal(rc, -ECONNRESET);
}

static void arguments_of_init_survive(void **state)
{
	static const struct init_args cases[] = {
		{3, 4, false, false, 1, false, 0, 0},
		{2147483647, 2147483646, true, true, 2147483647, true, 86400, UINT64_MAX},
		{8, 11, true, false, 4711, false, 10, UINT64_C(1) << 63},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[INITARGS_MAX];
		struct init_args got;

		assert_int_equal(
			initargs_parse(initargs_format(&cases[i], text, sizeof(text)), &got), 0);
		assert_int_equal(got.sock, cases[i].sock);
		assert_int_equal(got.reports, cases[i].reports);
		assert_int_equal(got.reap_all, cases[i].reap_all);
		assert_int_equal(got.activated, cases[i].activated);
		assert_int_equal(got.launcher, cases[i].launcher);
		assert_int_equal(got.kill_orphans, cases[i].kill_orphans);
		assert_int_equal(got.kill_timeout, cases[i].kill_timeout);
		assert_true(got.caller_mask == cases[i].caller_mask);
	}
}

static void invalid_arguments_are_refused(void **state)
{
	static const char *const cases[] = {
		"",
		"3",
		"3,4,1,0,9,1,10",
		"3,4,1,0,9,1,10,",
		"3,4,1,0,9,1,10,0,",
		"3,4,1,0,9,1,10,0,0",
		"2,4,1,0,9,1,10,0",
		"3,1,1,0,9,1,10,0",
		"3,3,1,0,9,1,10,0",
		"3,4,2,0,9,1,10,0",
		"3,4,1,2,9,1,10,0",
		"3,4,1,0,9,2,10,0",
		"3,4,1,0,9,1,86401,0",
		"-3,4,1,0,9,1,10,0",
		" 3,4,1,0,9,1,10,0",
		"3,4,1,0,9,1,10,0 ",
		"3;4;1;0;9;1;10;0",
		"3,4,1,0,9,1,10,x",
		"2147483648,4,1,0,9,1,10,0",
		"3,4,1,0,9,1,10,18446744073709551616",
		"3,,1,0,9,1,10,0",
		"3,4,1,0,2147483648,1,10,0",
		"3,4,1,0,,1,10,0",
		"sleep",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct init_args got = {.sock = 77};

		if (initargs_parse(cases[i], &got) != -EINVAL)
			fail_msg("\"%s\" was accepted", cases[i]);
		assert_int_equal(got.sock, 77);
	}
}

static void the_launcher_keeps_what_init_reports(void **state)
{
	const int *socks = *state;
	struct reported reported = REPORTED_NONE;
	const struct report started = {REPORT_STARTED, 0,
				       (int)syscall(SYS_pidfd_open, getpid(), 0)};
	const struct report ended = {REPORT_ENDED, W_EXITCODE(7, 0), -1};

	reported.sock = socks[0];
	assert_false(reported_take(&reported, true));
	assert_int_equal(report_send(socks[1], &started), 0);
	assert_false(reported_take(&reported, true));
	assert_int_equal(reported.target.pid, getpid());
	assert_int_equal(report_send(socks[1], &ended), 0);
	assert_true(reported_take(&reported, true));
	assert_true(reported.ended);
	assert_int_equal(reported.status, W_EXITCODE(7, 0));
	assert_int_equal(reported.target.pid, 0);
	fd_close(started.pidfd);
}

static void an_invalid_report_ends_the_reports(void **state)
{
	const int *socks = *state;
	struct reported reported = REPORTED_NONE;

	reported.sock = socks[0];
	assert_int_equal(send(socks[1], "x", 1, 0), 1);
	assert_true(reported_take(&reported, true));
	assert_false(reported.ended);
}

/* The command can send any descriptor, and leaves its last close to us. */
static void a_forged_report_does_not_keep_the_launcher(void **state)
{
	const int *socks = *state;
	struct reported reported = {.sock = socks[0], .target = {.pid = getpid(), .pidfd = -1}};
	struct lingering l = lingering_open();
	int64_t since = clock_ms();

	assert_int_equal(message_send(socks[1], "x", 1, &l.fd, 1), 0);
	fd_close(l.fd);
	assert_true(reported_take(&reported, true));
	assert_true(clock_ms() - since < LINGER_S * 1000 / 3);
	lingering_close(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_launcher_keeps_what_init_reports, open_pair,
						close_pair),
		cmocka_unit_test_setup_teardown(an_invalid_report_ends_the_reports, open_pair,
						close_pair),
		cmocka_unit_test_setup_teardown(a_forged_report_does_not_keep_the_launcher,
						open_pair, close_pair),
		cmocka_unit_test_setup_teardown(valid_reports_arrive, open_pair, close_pair),
		cmocka_unit_test_setup_teardown(invalid_reports_are_refused, open_pair, close_pair),
		cmocka_unit_test_setup_teardown(only_a_start_has_a_descriptor, open_pair,
						close_pair),
		cmocka_unit_test_setup_teardown(full_and_empty_sockets_do_not_block, open_pair,
						close_pair),
		cmocka_unit_test(arguments_of_init_survive),
		cmocka_unit_test(invalid_arguments_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

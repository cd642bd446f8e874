/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/proc/progress.h"
#include "fauxroot/sys/message.h"
#include "fauxroot/proc/handshake.h"

struct pair {
	int here, there;
};

static struct pair make_pair(void)
{
	int fds[2];

	assert_int_equal(message_pair(fds), 0);
	return (struct pair){fds[0], fds[1]};
}

static void close_pair(struct pair p)
{
	fd_close(p.here);
	fd_close(p.there);
}

static void the_expected_message_comes(void **state)
{
	struct pair p = make_pair();
	struct error err = {0};

	(void)state;
	assert_int_equal(handshake_send(p.there, HANDSHAKE_MOUNTED), 0);
	assert_int_equal(handshake_expect(p.here, HANDSHAKE_MOUNTED, "mounting", -1, &err), 0);
	close_pair(p);
}

static bool same_file(int a, int b)
{
	struct stat st_a, st_b;

	return fstat(a, &st_a) == 0 && fstat(b, &st_b) == 0 && st_a.st_dev == st_b.st_dev &&
	       st_a.st_ino == st_b.st_ino;
}

static void a_descriptor_comes_with_its_message(void **state)
{
	struct pair p = make_pair(), given = make_pair();
	struct error err = {0};
	int got = -1;

	(void)state;
	/* The line of the log before it has no descriptor. */
	log_setup("fauxroot", "parent", LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	handshake_log(&p.there, LOG_LEVEL_INFO, "on the way");
	assert_int_equal(handshake_send_fd(p.there, HANDSHAKE_MAPPED, given.here), 0);
	assert_int_equal(handshake_receive_fd(p.here, HANDSHAKE_MAPPED, "mapping", -1, &got, &err),
			 0);
	assert_true(got >= 0 && got != given.here && same_file(got, given.here));
	assert_int_equal(fcntl(got, F_GETFD), FD_CLOEXEC);
	fd_close(got);
	/* A message without a descriptor gives -1. */
	assert_int_equal(handshake_send(p.there, HANDSHAKE_MAPPED), 0);
	assert_int_equal(handshake_receive_fd(p.here, HANDSHAKE_MAPPED, "mapping", -1, &got, &err),
			 0);
	assert_int_equal(got, -1);
	close_pair(given);
	close_pair(p);
}

static void a_descriptor_that_is_not_wanted_is_closed(void **state)
{
	struct pair p = make_pair(), given = make_pair();
	struct error err = {0};
	int got = -1, next = dup(0);

	(void)state;
	fd_close(next);
	assert_int_equal(handshake_send_fd(p.there, HANDSHAKE_GO, given.here), 0);
	assert_int_equal(handshake_expect(p.here, HANDSHAKE_GO, "going", -1, &err), 0);
	assert_int_equal(handshake_send_fd(p.there, HANDSHAKE_GO, given.here), 0);
	assert_int_equal(handshake_receive_fd(p.here, HANDSHAKE_MAPPED, "mapping", -1, &got, &err),
			 -EPROTO);
	assert_int_equal(got, -1);
	/* The lowest free number is the same as before: no descriptor is left open. */
	got = dup(0);
	assert_int_equal(got, next);
	fd_close(got);
	close_pair(given);
	close_pair(p);
}

static void log_lines_are_skipped(void **state)
{
	struct pair p = make_pair();
	struct error err = {0};

	(void)state;
	log_setup("fauxroot", "parent", LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	handshake_log(&p.there, LOG_LEVEL_INFO, "on the way");
	assert_int_equal(handshake_send(p.there, HANDSHAKE_MOUNTED), 0);
	assert_int_equal(handshake_expect(p.here, HANDSHAKE_MOUNTED, "mounting", -1, &err), 0);
	close_pair(p);
}

static void a_failure_arrives_with_its_facts(void **state)
{
	struct pair p = make_pair();
	struct error sent = {0}, got = {0};

	(void)state;
	err_step(&sent, err_set(&sent, ENOENT, "executing \"%s\"", "nosuch"), STEP_EXEC);
	err_about(&sent, -ENOENT, REASON_EXEC, "nosuch");
	handshake_fail(p.there, &sent);
	assert_int_equal(handshake_expect(p.here, 0, "starting", -1, &got), -ENOENT);
	assert_string_equal(got.text, "executing \"nosuch\": No such file or directory");
	assert_int_equal(got.step, STEP_EXEC);
	assert_int_equal(got.code, ENOENT);
	assert_int_equal(got.reason, REASON_EXEC);
	assert_string_equal(got.about, "nosuch");
	close_pair(p);
}

/* The same record as in handshake.c. */
static void an_invalid_failure_is_corrected(void **state)
{
	static const struct {
		int32_t code;
		uint32_t step, reason;
		int rc;
		enum error_step arrived_step;
		enum error_reason arrived_reason;
	} cases[] = {
		{EPERM, STEP_MOUNT, REASON_FILE, -EPERM, STEP_MOUNT, REASON_FILE},
		{EPERM, STEP_COUNT_, REASON_COUNT_, -EPERM, STEP_NONE, REASON_NONE},
		{-EPERM, UINT32_MAX, UINT32_MAX, -EIO, STEP_NONE, REASON_NONE},
		{0, STEP_NONE, REASON_COUNT_ - 1, -EIO, STEP_NONE, REASON_COUNT_ - 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct {
			uint32_t type;
			int32_t code;
			uint32_t step, reason;
			char about[ERROR_ABOUT_MAX], text[1024];
		} record = {
			HANDSHAKE_FAILED, cases[i].code, cases[i].step, cases[i].reason, "", ""};
		struct pair p = make_pair();
		struct error got = {0};

		/* Neither string is terminated. */
		memset(record.about, 'x', sizeof(record.about));
		memset(record.text, 'x', sizeof(record.text));
		assert_int_equal(message_send(p.there, &record, sizeof(record), NULL, 0), 0);
		/* Truncated in the middle of .about. */
		assert_int_equal(message_send(p.there, &record, 20, NULL, 0), 0);
		assert_int_equal(handshake_expect(p.here, 0, "starting", -1, &got), cases[i].rc);
		assert_int_equal(got.code, -cases[i].rc);
		assert_int_equal(got.step, cases[i].arrived_step);
		assert_int_equal(got.reason, cases[i].arrived_reason);
		assert_int_equal(strnlen(got.text, sizeof(got.text)), sizeof(got.text) - 1);
		assert_int_equal(strnlen(got.about, sizeof(got.about)),
				 got.reason == REASON_NONE ? 0 : sizeof(got.about) - 1);
		assert_int_equal(handshake_expect(p.here, 0, "starting", -1, &got), cases[i].rc);
		assert_string_equal(got.about, got.reason == REASON_NONE ? "" : "xxxx");
		assert_string_equal(got.text, "");
		close_pair(p);
	}
}

static void a_text_as_long_as_the_record_is_kept(void **state)
{
	struct pair p = make_pair();
	struct error sent = {.code = EIO}, got = {0};

	(void)state;
	memset(sent.text, 'x', sizeof(sent.text) - 1);
	handshake_fail(p.there, &sent);
	assert_int_equal(handshake_expect(p.here, 0, "starting", -1, &got), -EIO);
	assert_int_equal(strlen(got.text), sizeof(got.text) - 1);
	close_pair(p);
}

static void end_of_file_names_the_step(void **state)
{
	struct pair p = make_pair();
	struct error err = {0};

	(void)state;
	p.there = fd_close(p.there);
	assert_int_equal(handshake_expect(p.here, HANDSHAKE_MOUNTED, "mounting", -1, &err),
			 -ECONNRESET);
	assert_string_equal(err.text, "mounting: the other process has exited");
	assert_int_equal(handshake_expect(p.here, 0, "starting", -1, &err), 0);
	close_pair(p);
}

static void a_terminating_signal_ends_the_wait(void **state)
{
	struct pair p = make_pair(), cancel = make_pair();
	struct error err = {0};

	(void)state;
	assert_int_equal(write(cancel.there, "x", 1), 1);
	assert_int_equal(handshake_expect(p.here, HANDSHAKE_MOUNTED, "mounting", cancel.here, &err),
			 -ECANCELED);
	close_pair(p);
	close_pair(cancel);
}

/* The child is a fork: the launcher sees its progress, and receives a message after lines of the
 * log. */
static void a_child_that_makes_progress_is_followed(void **state)
{
	struct pair p = make_pair();
	struct progress *progress = progress_new();
	char text[PROGRESS_TEXT], longest[2 * PROGRESS_TEXT];
	struct error err = {0};
	int status;
	pid_t pid;

	(void)state;
	assert_non_null(progress);
	assert_string_equal(progress_text(progress, text), "");
	progress_at(NULL, "without a progress record");
	log_setup("fauxroot", "parent", LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		progress_at(progress, "copying up %s", "/etc\n/x");
		handshake_log(&p.there, LOG_LEVEL_INFO, "on the way");
		_exit(handshake_send(p.there, HANDSHAKE_MOUNTED) < 0 ? 1 : 0);
	}
	assert_int_equal(handshake_follow(p.here, HANDSHAKE_MOUNTED, "mounting", progress, -1, NULL,
					  &err),
			 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_string_equal(progress_text(progress, text), "copying up /etc /x");
	assert_int_equal(atomic_load(&progress->steps), 1);

	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	progress_at(progress, "%s", longest);
	assert_int_equal(strlen(progress_text(progress, text)), PROGRESS_TEXT - 1);
	fd_close(p.there);
	assert_int_equal(handshake_follow(p.here, HANDSHAKE_MOUNTED, "mounting", progress, -1, NULL,
					  &err),
			 -ECONNRESET);
	fd_close(p.here);
	progress_free(progress);
	progress_free(NULL);
}

static void the_peer_lives_until_it_exits(void **state)
{
	struct pair p = make_pair();

	(void)state;
	assert_true(handshake_peer_lives(p.here));
	p.there = fd_close(p.there);
	assert_false(handshake_peer_lives(p.here));
	close_pair(p);
}

/* Messages of a broken or hostile other side instead of HANDSHAKE_MOUNTED. */
static void unexpected_messages_are_errors(void **state)
{
	static const struct {
		const char *name;
		uint32_t words[4];
		size_t size;
	} cases[] = {
		{"shorter than a head", {HANDSHAKE_MOUNTED}, 4},
		{"one byte short", {HANDSHAKE_MOUNTED, 0, 0}, 11},
		{"type 0", {0, 0, 0}, 12},
		{"an unknown type", {77, 0, 0}, 12},
		{"another step's type", {HANDSHAKE_GO, 0, 0}, 12},
		{"a failure without errno", {HANDSHAKE_FAILED, 0, 0}, 12},
		{"a failure of an unknown step", {HANDSHAKE_FAILED, EIO, 9999}, 12},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pair p = make_pair();
		struct error err = {0};

		print_message("%s\n", cases[i].name);
		assert_int_equal(message_send(p.there, cases[i].words, cases[i].size, NULL, 0), 0);
		assert_true(handshake_expect(p.here, HANDSHAKE_MOUNTED, "mounting", -1, &err) < 0);
		assert_true(err.code > 0);
		assert_true((unsigned)err.step < STEP_COUNT_);
		close_pair(p);
	}
}

static void an_oversized_message_is_an_error(void **state)
{
	struct pair p = make_pair();
	struct error err = {0};
	char big[8192];

	(void)state;
	memset(big, HANDSHAKE_MOUNTED, sizeof(big));
	assert_int_equal(message_send(p.there, big, sizeof(big), NULL, 0), 0);
	assert_int_equal(handshake_expect(p.here, HANDSHAKE_MOUNTED, "mounting", -1, &err),
			 -EMSGSIZE);
	close_pair(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_expected_message_comes),
		cmocka_unit_test(a_descriptor_comes_with_its_message),
		cmocka_unit_test(a_descriptor_that_is_not_wanted_is_closed),
		cmocka_unit_test(log_lines_are_skipped),
		cmocka_unit_test(a_failure_arrives_with_its_facts),
		cmocka_unit_test(an_invalid_failure_is_corrected),
		cmocka_unit_test(a_text_as_long_as_the_record_is_kept),
		cmocka_unit_test(end_of_file_names_the_step),
		cmocka_unit_test(a_terminating_signal_ends_the_wait),
		cmocka_unit_test(a_child_that_makes_progress_is_followed),
		cmocka_unit_test(the_peer_lives_until_it_exits),
		cmocka_unit_test(unexpected_messages_are_errors),
		cmocka_unit_test(an_oversized_message_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

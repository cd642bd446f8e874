/* SPDX-License-Identifier: Apache-2.0 */
/* The record that a runner sends after its job. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/sys/message.h"
#include "sys/verdict.h"

/* Send @size bytes of @sent, and receive them. */
static int pass(const struct verdict *sent, size_t size, struct verdict *ret, struct error *err)
{
	int pair[2], rc;

	assert_int_equal(message_pair(pair), 0);
	assert_int_equal(message_send(pair[1], sent, size, NULL, 0), 0);
	fd_close(pair[1]);
	rc = verdict_recv(pair[0], "job", ret, NULL, 0, err);
	fd_close(pair[0]);
	return rc;
}

static void a_success_returns_the_jobs_output(void **state)
{
	struct verdict sent = {.out = "made"}, got;
	struct error err = {0};

	(void)state;
	assert_int_equal(pass(&sent, sizeof(sent), &got, &err), 0);
	assert_string_equal(got.out, "made");
}

static void a_failure_returns_its_facts(void **state)
{
	struct verdict sent = {.rc = -ENODEV}, got;
	struct error err = {0};

	(void)state;
	err_set(&sent.err, ENODEV, "opening it");
	err_step(&sent.err, err_about(&sent.err, -ENODEV, REASON_DEVICE, "/dev/x"), STEP_NET);
	assert_int_equal(pass(&sent, sizeof(sent), &got, &err), -ENODEV);
	assert_string_equal(err.text, "opening it: No such device");
	assert_int_equal(err.code, ENODEV);
	assert_int_equal(err.step, STEP_NET);
	assert_int_equal(err.reason, REASON_DEVICE);
	assert_string_equal(err.about, "/dev/x");
	/* Without a struct error. */
	assert_int_equal(pass(&sent, sizeof(sent), &got, NULL), -ENODEV);
}

static void an_invalid_failure_is_checked(void **state)
{
	struct verdict sent = {.rc = -1}, got;
	struct error err = {0};

	(void)state;
	memset(&sent.err, 'x', sizeof(sent.err));
	assert_int_equal(pass(&sent, sizeof(sent), &got, &err), -EIO);
	assert_int_equal(err.step, STEP_NONE);
	assert_int_equal(err.reason, REASON_NONE);
	assert_string_equal(err.about, "");
	assert_int_equal(strnlen(err.text, sizeof(err.text)), sizeof(err.text) - 1);
}

static void invalid_verdicts_are_refused(void **state)
{
	const struct verdict neither = {.rc = 1};
	struct verdict got;
	struct error err = {0};

	(void)state;
	assert_int_equal(pass(&neither, sizeof(neither), &got, &err), -EPROTO);
	assert_string_equal(err.text, "job exited without a result");
	/* Too short, and end of file. */
	assert_int_equal(pass(&neither, sizeof(neither) - 1, &got, &err), -EPROTO);
	assert_int_equal(pass(&neither, 0, &got, &err), -EPROTO);
}

static void a_descriptor_arrives_with_the_verdict(void **state)
{
	struct verdict sent = {.rc = 0}, got;
	struct error err = {0};
	int two[2], pair[2], given = open("/", O_PATH | O_CLOEXEC), came = -1;

	(void)state;
	assert_true(given >= 0);
	assert_int_equal(message_pair(pair), 0);
	assert_int_equal(message_send(pair[1], &sent, sizeof(sent), &given, 1), 0);
	assert_int_equal(verdict_recv(pair[0], "job", &got, &came, 1, &err), 0);
	assert_true(came >= 0 && came != given);
	fd_close(came);
	/* A failure's descriptor is closed: the lowest free number is unchanged. */
	sent.rc = -EPERM;
	sent.err.code = EPERM;
	came = -1;
	assert_int_equal(message_send(pair[1], &sent, sizeof(sent), &given, 1), 0);
	assert_int_equal(verdict_recv(pair[0], "job", &got, &came, 1, &err), -EPERM);
	assert_int_equal(came, -1);
	came = dup(given);
	assert_int_equal(came, pair[1] + 1);
	fd_close(came);
	/* Descriptors of a success are closed as well if their number is wrong. */
	sent.rc = 0;
	assert_int_equal(message_send(pair[1], &sent, sizeof(sent), &given, 1), 0);
	assert_int_equal(verdict_recv(pair[0], "job", &got, two, 2, &err), -EPROTO);
	assert_string_equal(err.text, "job sent 1 descriptors instead of 2");
	came = dup(given);
	assert_int_equal(came, pair[1] + 1);
	fd_close(came);
	fd_close(given);
	fd_close(pair[0]);
	fd_close(pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_success_returns_the_jobs_output),
		cmocka_unit_test(a_failure_returns_its_facts),
		cmocka_unit_test(an_invalid_failure_is_checked),
		cmocka_unit_test(invalid_verdicts_are_refused),
		cmocka_unit_test(a_descriptor_arrives_with_the_verdict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

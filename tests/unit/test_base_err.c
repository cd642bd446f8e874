/* SPDX-License-Identifier: Apache-2.0 */
/* The error object. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/str.h"

static void callers_add_context_to_an_error(void **state)
{
	struct error err = {0};

	(void)state;
	assert_int_equal(err_set(&err, ENOENT, "executing \"%s\"", "x"), -ENOENT);
	assert_string_equal(err.text, "executing \"x\": No such file or directory");
	assert_int_equal(err.code, ENOENT);
	assert_int_equal(err.step, STEP_NONE);
	assert_int_equal(err_wrap(&err, -ENOENT, "starting %s", "y"), -ENOENT);
	assert_string_equal(err.text, "starting y: executing \"x\": No such file or directory");
	/* The deepest step stays. */
	assert_int_equal(err_step(&err, -ENOENT, STEP_MOUNT), -ENOENT);
	err_step(&err, -ENOENT, STEP_NET);
	assert_int_equal(err.step, STEP_MOUNT);

	assert_int_equal(err_say(&err, EBUSY, "in use by %d", 7), -EBUSY);
	assert_string_equal(err.text, "in use by 7");
	assert_int_equal(err.code, EBUSY);
	assert_int_equal(err.step, STEP_NONE);
	/* Success has no step. */
	assert_int_equal(err_step(&err, 0, STEP_NET), 0);
	assert_int_equal(err.step, STEP_NONE);
}

static void an_invalid_errno_is_still_an_error(void **state)
{
	struct error err = {0};

	(void)state;
	assert_int_equal(err_set(&err, 0, "x"), -EIO);
	assert_int_equal(err.code, EIO);
	assert_int_equal(err_say(&err, -ENOENT, "x"), -EIO);
	assert_int_equal(err_set(NULL, EPERM, "x"), -EPERM);
	assert_int_equal(err_say(NULL, EPERM, "x"), -EPERM);
	assert_int_equal(err_wrap(NULL, -EPERM, "x"), -EPERM);
	assert_int_equal(err_step(NULL, -EPERM, STEP_NET), -EPERM);
}

static void long_errors_are_truncated(void **state)
{
	struct error err = {0};
	char text[2 * sizeof(err.text)];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	err_set(&err, EPERM, "%s", text);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	err_wrap(&err, -EPERM, "what was tried");
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	assert_non_null(str_after(err.text, "what was tried: xxx"));
	err_wrap(&err, -EPERM, "%s", text);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
}

/* A caller further up, which knows less, adds to the facts of the failing function. */
static void the_deepest_reason_stays(void **state)
{
	struct error err = {0};

	(void)state;
	err_set(&err, ENOENT, "x");
	assert_int_equal(err.reason, REASON_NONE);
	assert_string_equal(err.about, "");
	assert_int_equal(err_about(&err, -ENOENT, REASON_EXEC, "newuid%s", "map"), -ENOENT);
	assert_int_equal(err.reason, REASON_EXEC);
	assert_string_equal(err.about, "newuidmap");
	/* Neither another reason nor the same one changes the reason and its about. */
	assert_int_equal(err_about(&err, -ENOENT, REASON_FILE, "/x"), -ENOENT);
	assert_int_equal(err_about(&err, -ENOENT, REASON_EXEC, "other"), -ENOENT);
	assert_int_equal(err_reason(&err, -ENOENT, REASON_DIED), -ENOENT);
	assert_int_equal(err.reason, REASON_EXEC);
	assert_string_equal(err.about, "newuidmap");
	/* A wrap and a step do not change it. */
	err_wrap(&err, -ENOENT, "y");
	err_step(&err, -ENOENT, STEP_IDMAP);
	assert_int_equal(err.reason, REASON_EXEC);
	assert_string_equal(err.about, "newuidmap");
}

static void about_can_be_set_after_the_reason(void **state)
{
	struct error err = {0};

	(void)state;
	err_set(&err, EBUSY, "x");
	err_reason(&err, -EBUSY, REASON_IN_USE);
	/* For another reason this about would be wrong. */
	err_about(&err, -EBUSY, REASON_FILE, "/x");
	assert_int_equal(err.reason, REASON_IN_USE);
	assert_string_equal(err.about, "");
	err_about(&err, -EBUSY, REASON_IN_USE, "%d", 4711);
	assert_int_equal(err.reason, REASON_IN_USE);
	assert_string_equal(err.about, "4711");
}

static void a_new_failure_drops_earlier_facts(void **state)
{
	int (*const begin[])(struct error * err, int errnum, const char *fmt, ...) = {err_set,
										      err_say};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(begin); i++) {
		struct error err = {0};

		begin[i](&err, EPERM, "x");
		err_step(&err, err_about(&err, -EPERM, REASON_FILE, "/x"), STEP_MOUNT);
		begin[i](&err, EPERM, "x");
		assert_int_equal(err.step, STEP_NONE);
		assert_int_equal(err.reason, REASON_NONE);
		assert_string_equal(err.about, "");
	}
}

static void success_sets_no_facts(void **state)
{
	struct error err = {0};

	(void)state;
	assert_int_equal(err_about(&err, 0, REASON_FILE, "/x"), 0);
	assert_int_equal(err_reason(&err, 3, REASON_DIED), 3);
	assert_int_equal(err.reason, REASON_NONE);
	assert_string_equal(err.about, "");
	assert_int_equal(err_about(NULL, -EPERM, REASON_FILE, "/x"), -EPERM);
	assert_int_equal(err_reason(NULL, -EPERM, REASON_DIED), -EPERM);
}

/* /long/pa exists as well, so a truncated path would name the wrong file. */
static void a_path_that_does_not_fit_is_left_out(void **state)
{
	char path[ERROR_ABOUT_MAX + 1];
	struct error err = {0};

	(void)state;
	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	err_set(&err, EPERM, "x");
	err_about(&err, -EPERM, REASON_FILE, "%s", path);
	assert_int_equal(err.reason, REASON_FILE);
	assert_string_equal(err.about, "");
	path[sizeof(path) - 2] = '\0';
	err_about(&err, -EPERM, REASON_FILE, "%s", path);
	assert_string_equal(err.about, path);
}

/* Arbitrary bytes from another process. */
static void a_received_error_is_checked(void **state)
{
	static const struct {
		int code, step, reason;
		int arrived_code, arrived_step, arrived_reason;
	} cases[] = {
		{EPERM, STEP_MOUNT, REASON_FILE, EPERM, STEP_MOUNT, REASON_FILE},
		{0, STEP_COUNT_, REASON_FILE, EIO, STEP_NONE, REASON_FILE},
		{-1, STEP_COUNT_ - 1, REASON_COUNT_, EIO, STEP_COUNT_ - 1, REASON_NONE},
		{4095, -1, REASON_COUNT_ - 1, 4095, STEP_NONE, REASON_COUNT_ - 1},
		{4096, INT32_MAX, -1, EIO, STEP_NONE, REASON_NONE},
		{INT32_MIN, INT32_MIN, INT32_MIN, EIO, STEP_NONE, REASON_NONE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err;

		memset(&err, 'x', sizeof(err));
		err.code = cases[i].code;
		err.step = (enum error_step)cases[i].step;
		err.reason = (enum error_reason)cases[i].reason;
		assert_int_equal(err_check_received(&err), -cases[i].arrived_code);
		assert_int_equal(err.code, cases[i].arrived_code);
		assert_int_equal(err.step, cases[i].arrived_step);
		assert_int_equal(err.reason, cases[i].arrived_reason);
		assert_int_equal(strnlen(err.text, sizeof(err.text)), sizeof(err.text) - 1);
		/* Without a known reason there is no about. */
		assert_int_equal(strnlen(err.about, sizeof(err.about)),
				 err.reason == REASON_NONE ? 0 : sizeof(err.about) - 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(callers_add_context_to_an_error),
		cmocka_unit_test(an_invalid_errno_is_still_an_error),
		cmocka_unit_test(long_errors_are_truncated),
		cmocka_unit_test(the_deepest_reason_stays),
		cmocka_unit_test(about_can_be_set_after_the_reason),
		cmocka_unit_test(a_new_failure_drops_earlier_facts),
		cmocka_unit_test(success_sets_no_facts),
		cmocka_unit_test(a_path_that_does_not_fit_is_left_out),
		cmocka_unit_test(a_received_error_is_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

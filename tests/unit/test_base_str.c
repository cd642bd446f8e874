/* SPDX-License-Identifier: Apache-2.0 */
/* Strings, string lists, and the error object. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <cmocka.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/str.h"

static void prefixes(void **state)
{
	(void)state;
	assert_string_equal(str_after("subid:files", "subid:"), "files");
	assert_string_equal(str_after("subid:", "subid:"), "");
	assert_string_equal(str_after("x", ""), "x");
	assert_null(str_after("subi", "subid"));
	assert_null(str_after("", "x"));
}

static void printing_says_whether_all_fitted(void **state)
{
	char buf[5] = "????";

	(void)state;
	assert_int_equal(str_print(buf, sizeof(buf), "%d", 1234), 0);
	assert_string_equal(buf, "1234");
	assert_int_equal(str_print(buf, sizeof(buf), "%d", 12345), -ENAMETOOLONG);
	assert_string_equal(buf, "1234");
	assert_int_equal(str_print(buf, 1, "%s", ""), 0);
	assert_string_equal(buf, "");
}

static void formatting(void **state)
{
	_cleanup_free_ char *s = str_format("%s-%d", "a", 7);

	(void)state;
	assert_string_equal(s, "a-7");
}

static void what_is_printed_is_printable(void **state)
{
	static const struct {
		const char *text;
		const char *shown;
	} cases[] = {
		{"", ""},
		{"plain", "plain"},
		{"end \t\r\n", "end"},
		{" \n ", ""},
		{"two\nlines\there", "two lines here"},
		{"\033[31mred\x7f", "?[31mred?"},
		{"a\rb\x01", "a?b?"},
		{"Grüße", "Grüße"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char buf[64];

		snprintf(buf, sizeof(buf), "%s", cases[i].text);
		str_printable(buf);
		assert_string_equal(buf, cases[i].shown);
	}
}

static void lists(void **state)
{
	_cleanup_strv_ struct strv v = {NULL, 0};
	_cleanup_free_ char *none = strv_join(&v, ","), *joined = NULL;

	(void)state;
	assert_string_equal(none, "");
	assert_false(strv_contains(&v, ""));
	assert_int_equal(strv_add(&v, "one"), 0);
	assert_int_equal(strv_add_n(&v, "two and more", 3), 0);
	assert_int_equal(strv_addf(&v, "%s%d", "three", 3), 0);
	assert_int_equal(strv_add(&v, ""), 0);
	assert_int_equal(v.n, 4);
	assert_null(v.items[4]);
	joined = strv_join(&v, ", ");
	assert_string_equal(joined, "one, two, three3, ");
	assert_true(strv_contains(&v, "two"));
	assert_false(strv_contains(&v, "tw"));
	strv_clear(&v);
	assert_null(v.items);
	assert_int_equal(v.n, 0);
}

static void errors_gather_their_context(void **state)
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
	assert_int_equal(err_step(&err, -ENOENT, STEP_SLIRP), -ENOENT);
	err_step(&err, -ENOENT, STEP_NET);
	assert_int_equal(err.step, STEP_SLIRP);

	assert_int_equal(err_say(&err, EBUSY, "in use by %d", 7), -EBUSY);
	assert_string_equal(err.text, "in use by 7");
	assert_int_equal(err.code, EBUSY);
	assert_int_equal(err.step, STEP_NONE);
	/* Success has no step. */
	assert_int_equal(err_step(&err, 0, STEP_NET), 0);
	assert_int_equal(err.step, STEP_NONE);
}

static void an_error_is_one_whatever_the_caller_passes(void **state)
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

static void long_errors_are_cut(void **state)
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prefixes),
		cmocka_unit_test(printing_says_whether_all_fitted),
		cmocka_unit_test(formatting),
		cmocka_unit_test(what_is_printed_is_printable),
		cmocka_unit_test(lists),
		cmocka_unit_test(errors_gather_their_context),
		cmocka_unit_test(an_error_is_one_whatever_the_caller_passes),
		cmocka_unit_test(long_errors_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

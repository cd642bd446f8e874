/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <cmocka.h>

#include "fauxroot/base/macro.h"
#include "fauxroot/base/parse.h"

static void numbers_are_bounded(void **state)
{
	static const struct {
		const char *text;
		uint64_t max;
		int rc;
		uint64_t value;
		const char *rest;
	} cases[] = {
		{"0", 0, 0, 0, ""},
		{"1", 0, -ERANGE, 0, "1"},
		{"7", 7, 0, 7, ""},
		{"8", 7, -ERANGE, 0, "8"},
		{"10", 7, -ERANGE, 0, "10"},
		{"0000000000000000000000007", 7, 0, 7, ""},
		{"65535:x", 65535, 0, 65535, ":x"},
		{"65536", 65535, -ERANGE, 0, "65536"},
		{"18446744073709551615", UINT64_MAX, 0, UINT64_MAX, ""},
		{"18446744073709551616", UINT64_MAX, -ERANGE, 0, "18446744073709551616"},
		{"99999999999999999999999", UINT64_MAX, -ERANGE, 0, "99999999999999999999999"},
		{"", 9, -EINVAL, 0, ""},
		{" 1", 9, -EINVAL, 0, " 1"},
		{"-1", 9, -EINVAL, 0, "-1"},
		{"+1", 9, -EINVAL, 0, "+1"},
		{"x", 9, -EINVAL, 0, "x"},
		{"1x", 9, 0, 1, "x"},
		{"0x1", 9, 0, 0, "x1"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct cursor c = cursor_of(cases[i].text);
		uint64_t value = 0;

		assert_int_equal(cursor_u64(&c, cases[i].max, &value), cases[i].rc);
		assert_int_equal(value, cases[i].value);
		assert_string_equal(c.at, cases[i].rest);
	}
}

static void parse_u32_takes_the_whole_string(void **state)
{
	static const struct {
		const char *text;
		int rc;
	} cases[] = {
		{"0", 0},
		{"65535", 0},
		{"65536", -ERANGE},
		{"", -EINVAL},
		{"1 ", -EINVAL},
		{"1\n", -EINVAL},
		{" 1", -EINVAL},
		{"1.0", -EINVAL},
		{"0x10", -EINVAL},
		{"-0", -EINVAL},
		{"1e3", -EINVAL},
		{"٣", -EINVAL},
		{"99999999x", -ERANGE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint32_t value = 77;

		assert_int_equal(parse_u32(cases[i].text, 65535, &value), cases[i].rc);
		if (cases[i].rc < 0)
			assert_int_equal(value, 77);
	}
}

static void booleans_match_go(void **state)
{
	static const char *const yes[] = {"1", "t", "T", "true", "TRUE", "True"};
	static const char *const no[] = {"0", "f", "F", "false", "FALSE", "False"};
	static const char *const neither[] = {"",   "yes", "no",    "on",    "tRUE", "FaLSE",
					      "01", "2",   "true ", " true", "tr",   "truex"};
	bool value;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		value = false;
		assert_int_equal(parse_bool(yes[i], &value), 0);
		assert_true(value);
	}
	for (size_t i = 0; i < ARRAY_SIZE(no); i++) {
		value = true;
		assert_int_equal(parse_bool(no[i], &value), 0);
		assert_false(value);
	}
	for (size_t i = 0; i < ARRAY_SIZE(neither); i++)
		assert_int_equal(parse_bool(neither[i], &value), -EINVAL);
}

static void words_and_characters(void **state)
{
	struct cursor c = cursor_of("subid:\t files");

	(void)state;
	assert_false(cursor_word(&c, "subidx"));
	assert_false(cursor_char(&c, 'x'));
	assert_true(cursor_word(&c, ""));
	assert_true(cursor_word(&c, "subid"));
	assert_true(cursor_char(&c, ':'));
	assert_int_equal(cursor_blanks(&c), 2);
	assert_int_equal(cursor_blanks(&c), 0);
	assert_false(cursor_word(&c, "files and more"));
	assert_true(cursor_word(&c, "files"));
	assert_true(cursor_at_end(&c));
	assert_false(cursor_char(&c, '\0'));
}

static void fields_end_at_a_separator(void **state)
{
	static const char text[] = "a:bc\0d::e";
	struct cursor c = cursor_of_n(text, sizeof(text) - 1);
	const char *field;
	size_t n;

	(void)state;
	cursor_until(&c, ":", &field, &n);
	assert_ptr_equal(field, text);
	assert_int_equal(n, 1);
	assert_true(cursor_char(&c, ':'));
	/* A NUL is an ordinary character, not the end. */
	cursor_until(&c, ":", &field, &n);
	assert_int_equal(n, 4);
	assert_memory_equal(field, "bc\0d", 4);
	assert_true(cursor_char(&c, ':'));
	cursor_until(&c, ":", &field, &n);
	assert_int_equal(n, 0);
	assert_true(cursor_char(&c, ':'));
	cursor_until(&c, ":", &field, &n);
	assert_int_equal(n, 1);
	assert_true(cursor_at_end(&c));
	cursor_until(&c, ":", &field, &n);
	assert_int_equal(n, 0);
}

static void cursor_line_consumes_one_line(void **state)
{
	static const struct {
		const char *text;
		const char *lines[4];
	} cases[] = {
		{"", {NULL}},
		{"\n", {"", NULL}},
		{"a", {"a", NULL}},
		{"a\n", {"a", NULL}},
		{"a\nb", {"a", "b", NULL}},
		{"a\n\nb\n", {"a", "", "b", NULL}},
		{"a\r\nb", {"a\r", "b", NULL}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct cursor c = cursor_of(cases[i].text), line;
		size_t n = 0;

		while (cursor_line(&c, &line)) {
			const char *expected = cases[i].lines[n++];

			if (!expected) {
				fail_msg("a line too many");
				return;
			}
			assert_int_equal(cursor_left(&line), strlen(expected));
			assert_memory_equal(line.at, expected, cursor_left(&line));
		}
		assert_null(cases[i].lines[n]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_bounded),
		cmocka_unit_test(parse_u32_takes_the_whole_string),
		cmocka_unit_test(booleans_match_go),
		cmocka_unit_test(words_and_characters),
		cmocka_unit_test(fields_end_at_a_separator),
		cmocka_unit_test(cursor_line_consumes_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Strings and string lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <cmocka.h>

#include "fauxroot/base/str.h"

static void str_after_returns_the_rest(void **state)
{
	(void)state;
	assert_string_equal(str_after("subid:files", "subid:"), "files");
	assert_string_equal(str_after("subid:", "subid:"), "");
	assert_string_equal(str_after("x", ""), "x");
	assert_null(str_after("subi", "subid"));
	assert_null(str_after("", "x"));
}

static void str_print_reports_truncation(void **state)
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

static void text_is_formatted(void **state)
{
	_cleanup_free_ char *s = str_format("%s-%d", "a", 7);

	(void)state;
	assert_string_equal(s, "a-7");
}

static void str_printable_replaces_control_characters(void **state)
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
		{"\xc2\x9bred\xc2\x80", "??red??"},
		{"\xc2\xa0no-break space", "\xc2\xa0no-break space"},
		{"\xc2", "\xc2"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char buf[64];

		snprintf(buf, sizeof(buf), "%s", cases[i].text);
		str_printable(buf);
		assert_string_equal(buf, cases[i].shown);
	}
}

static void string_lists_grow(void **state)
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(str_after_returns_the_rest),
		cmocka_unit_test(str_print_reports_truncation),
		cmocka_unit_test(text_is_formatted),
		cmocka_unit_test(str_printable_replaces_control_characters),
		cmocka_unit_test(string_lists_grow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* FAUXROOT_OPTIONS: splitting its value into words, and parsing the words as options. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <cmocka.h>

#include "config/private.h"
#include "fauxroot/base/err.h"

static void splits_words_as_systemd(void **state)
{
	static const struct {
		const char *text;
		const char *words; /* with '|' between */
	} rows[] = {
		{"", NULL},
		{" \t\n\r ", NULL},
		{"a", "a"},
		{" a  b\tc\n", "a|b|c"},
		{"\"a b\" 'c d'", "a b|c d"},
		{"'a \"b' \"c 'd\"", "a \"b|c 'd"},
		{"\"\" x ''", "|x|"},
		{"--a=\"b c\"d", "--a=b cd"},
		{"a\"b c\"d e'f g'", "ab cd|ef g"},
		{"\"a\"b \"c\"'d'", "ab|cd"},
		{"\\ta\\s\\\\ \\\"b\\'", "\ta \\|\"b'"},
		{"\"\\n\" '\\v\\a\\b\\f\\r'", "\n|\v\a\b\f\r"},
		{"\\x41\\x7e \\101\\377", "A~|A\xff"},
		{"\\u00e9\\u20ac \\U0001f600 \\u007f",
		 "\xc3\xa9\xe2\x82\xac|\xf0\x9f\x98\x80|\x7f"},
		{"$HOME %h #x ;", "$HOME|%h|#x|;"},
		{"\xc3\xa9 x", "\xc3\xa9|x"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_strv_ struct strv words = {NULL, 0};
		_cleanup_free_ char *joined = NULL;
		struct error err = {0};

		if (words_split(rows[i].text, &words, &err) < 0)
			fail_msg("row %zu: %s", i, err.text);
		joined = strv_join(&words, "|");
		assert_int_equal(words.n == 0, rows[i].words == NULL);
		assert_string_equal(joined, rows[i].words ? rows[i].words : "");
	}
}

/* In ExecStart= unknown escapes are only worth a warning; an open quote is an error there, too. */
static void refuses_unknown_escapes_and_open_quotes(void **state)
{
	static const char *const rows[][2] = {
		{"\"a", "missing closing \""},	   {"a'", "missing closing '"},
		{"'a\\'", "missing closing '"},	   {"a \\", "unknown escape after a backslash"},
		{"\\q", "unknown escape"},	   {"\\ ", "unknown escape"},
		{"\\x4", "unknown escape"},	   {"\\xg0", "unknown escape"},
		{"\\x00", "unknown escape"},	   {"\\12", "unknown escape"},
		{"\\400", "unknown escape"},	   {"\\000", "unknown escape"},
		{"\\u12", "unknown escape"},	   {"\\ud800", "unknown escape"},
		{"\\U00110000", "unknown escape"}, {"\\u0000", "unknown escape"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_strv_ struct strv words = {NULL, 0};
		struct error err = {0};

		if (words_split(rows[i][0], &words, &err) != -EINVAL)
			fail_msg("%s is accepted", rows[i][0]);
		assert_non_null(strstr(err.text, rows[i][1]));
	}
}

static void comes_before_the_command_line(void **state)
{
	_cleanup_config_ struct config config;
	char *argv[] = {(char[]){"fauxroot"}, (char[]){"--mtu=1400"}, (char[]){"--copy-up=/run"},
			(char[]){"id"}, NULL};
	struct error err = {0};

	(void)state;
	config_init(&config);
	assert_int_equal(
		options_preset(&config,
			       "--net=slirp4netns --mtu 1300 --copy-up=/etc --name=\"a-b\" --",
			       &err),
		0);
	assert_int_equal(options_parse(&config, 4, argv, &err), 0);
	assert_int_equal(config.net, NET_SLIRP4NETNS);
	assert_int_equal(config.mtu, 1400);
	assert_string_equal(config.name, "a-b");
	assert_int_equal(config.copy_up.n, 2);
	assert_string_equal(config.copy_up.items[0], "/etc");
	assert_string_equal(config.copy_up.items[1], "/run");
	assert_string_equal(config.command[0], "id");
}

static void refuses_arguments_that_are_not_options(void **state)
{
	static const char *const rows[][2] = {
		{"--net=none id", "FAUXROOT_OPTIONS: \"id\" is not an option"},
		{"-- --debug", "FAUXROOT_OPTIONS: \"--debug\" is not an option"},
		{"''", "FAUXROOT_OPTIONS: \"\" is not an option"},
		{"--nett=none", "FAUXROOT_OPTIONS: unknown option --nett; did you mean --net?"},
		{"--mtu", "FAUXROOT_OPTIONS: --mtu needs a value: 0 or a number from 68 to 65521"},
		{"'", "FAUXROOT_OPTIONS: missing closing '"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_config_ struct config config;
		struct error err = {0};

		config_init(&config);
		assert_int_equal(options_preset(&config, rows[i][0], &err), -EINVAL);
		assert_string_equal(err.text, rows[i][1]);
		assert_int_equal(err.step, STEP_OPTIONS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(splits_words_as_systemd),
		cmocka_unit_test(refuses_unknown_escapes_and_open_quotes),
		cmocka_unit_test(comes_before_the_command_line),
		cmocka_unit_test(refuses_arguments_that_are_not_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

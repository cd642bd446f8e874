/* SPDX-License-Identifier: Apache-2.0 */
/* FAUXROOT_OPTIONS: how its value is split, and what comes of its words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <cmocka.h>

#include "config/private.h"
#include "fauxroot/base/err.h"

static void splits_as_systemd_does(void **state)
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

static void refuses_what_systemd_refuses(void **state)
{
	static const char *const rows[][2] = {
		{"\"a", "a \" is not closed"},	 {"a'", "a ' is not closed"},
		{"'a\\'", "a ' is not closed"},	 {"a \\", "what follows a backslash is no escape"},
		{"\\q", "what follows"},	 {"\\ ", "what follows"},
		{"\\x4", "what follows"},	 {"\\xg0", "what follows"},
		{"\\x00", "what follows"},	 {"\\12", "what follows"},
		{"\\400", "what follows"},	 {"\\000", "what follows"},
		{"\\u12", "what follows"},	 {"\\ud800", "what follows"},
		{"\\U00110000", "what follows"}, {"\\u0000", "what follows"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_strv_ struct strv words = {NULL, 0};
		struct error err = {0};

		if (words_split(rows[i][0], &words, &err) != -EINVAL)
			fail_msg("%s is taken", rows[i][0]);
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

static void takes_options_alone(void **state)
{
	static const char *const rows[][2] = {
		{"--net=none id", "FAUXROOT_OPTIONS: \"id\" is no option"},
		{"-- --debug", "FAUXROOT_OPTIONS: \"--debug\" is no option"},
		{"''", "FAUXROOT_OPTIONS: \"\" is no option"},
		{"--nett=none", "FAUXROOT_OPTIONS: unknown option --nett; did you mean --net?"},
		{"--mtu", "FAUXROOT_OPTIONS: --mtu takes 0 or a number from 68 to 65521, but the "
			  "command line ends there"},
		{"'", "FAUXROOT_OPTIONS: a ' is not closed"},
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
		cmocka_unit_test(splits_as_systemd_does),
		cmocka_unit_test(refuses_what_systemd_refuses),
		cmocka_unit_test(comes_before_the_command_line),
		cmocka_unit_test(takes_options_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

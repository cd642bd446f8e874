/* SPDX-License-Identifier: Apache-2.0 */
/* Parsers of /etc/subuid, getsubids(1) and nsswitch.conf: tables of texts and their ranges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/str.h"
#include "fauxroot/machine/subid.h"

/* "100000+65536@1 …", start, count and line of each range */
static void ranges_text(const struct subid_ranges *ranges, char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < ranges->n && used < size; i++)
		used += (size_t)snprintf(buf + used, size - used, "%s%u+%u@%u", i ? " " : "",
					 ranges->items[i].start, ranges->items[i].count,
					 ranges->items[i].line);
}

struct file_case {
	const char *text;
	const char *name; /* NULL: the user has no name */
	uid_t uid;
	const char *want;  /* the ranges; NULL: an error … */
	const char *words; /* … that contains these words */
};

static const struct file_case file_cases[] = {
	/* found by name, by number, by both, by neither */
	{"alice:100000:65536\n", "alice", 1000, "100000+65536@1", NULL},
	{"1000:100000:65536\n", "alice", 1000, "100000+65536@1", NULL},
	{"1000:100000:65536\n", NULL, 1000, "100000+65536@1", NULL},
	{"alice:1:2\nbob:5:6\n1000:10:20\n", "alice", 1000, "1+2@1 10+20@3", NULL},
	{"alice:1:2\nalice:10:2\nalice:5:2\n", "alice", 1000, "1+2@1 10+2@2 5+2@3", NULL},
	{"", "alice", 1000, "", NULL},
	{"\n\n", "alice", 1000, "", NULL},
	{"bob:100000:65536\n", "alice", 1000, "", NULL},
	{"alic:1:2\nalicea:1:2\n lice:1:2\nALICE:1:2\n", "alice", 1000, "", NULL},
	{"01000:1:2\n10000:1:2\n100:1:2\n+1000:1:2\n", "alice", 1000, "", NULL},
	{":1:2\n", "", 1000, "", NULL},
	{":1:2\n", NULL, 1000, "", NULL},
	{"alice:1:2\n", NULL, 1000, "", NULL},
	/* comments, no newline at the end, duplicates */
	{"# alice:1:2\n#alice:1:2\nalice:3:4", "alice", 1000, "3+4@3", NULL},
	{"#alice:3:4\n", "#alice", 1000, "", NULL},
	{"alice:1:2\nalice:1:2\n1000:1:2\n", "alice", 1000, "1+2@1", NULL},
	{"alice:1:2\nalice:1:3\n", "alice", 1000, "1+2@1 1+3@2", NULL},
	/* the edges of the id space */
	{"alice:0:1\n", "alice", 1000, "0+1@1", NULL},
	{"alice:0:4294967295\n", "alice", 1000, "0+4294967295@1", NULL},
	{"alice:4294967294:1\n", "alice", 1000, "4294967294+1@1", NULL},
	{"alice:4294967295:1\n", "alice", 1000, NULL, "ends past id 4294967294"},
	{"alice:4294967294:2\n", "alice", 1000, NULL, "ends past id 4294967294"},
	{"alice:1:4294967295\n", "alice", 1000, NULL, "ends past id 4294967294"},
	{"alice:4294967296:1\n", "alice", 1000, NULL, "a number exceeds 4294967295"},
	{"alice:1:4294967296\n", "alice", 1000, NULL, "a number exceeds 4294967295"},
	{"alice:1:99999999999999999999999\n", "alice", 1000, NULL, "a number exceeds"},
	{"alice:18446744073709551617:1\n", "alice", 1000, NULL, "a number exceeds"},
	/* malformed lines of this user: the error has number and text */
	{"bob:1:2\nalice:1:2\r\n", "alice", 1000, NULL,
	 "/etc/subuid, line 2, \"alice:1:2\": the line ends in a carriage return"},
	{"alice:-1:65536\n", "alice", 1000, NULL,
	 "/etc/subuid, line 1, \"alice:-1:65536\": a number is negative"},
	{"alice:1:-5\n", "alice", 1000, NULL, "a number is negative"},
	{"alice:-18446744073709451616:5\n", "alice", 1000, NULL, "a number is negative"},
	{"alice:1:0\n", "alice", 1000, NULL, "the range is empty"},
	{"alice\n", "alice", 1000, NULL, "not of the form"},
	{"alice:\n", "alice", 1000, NULL, "not of the form"},
	{"alice:1\n", "alice", 1000, NULL, "not of the form"},
	{"alice:1:\n", "alice", 1000, NULL, "not of the form"},
	{"alice::2\n", "alice", 1000, NULL, "not of the form"},
	{"alice: :2\n", "alice", 1000, NULL, "not of the form"},
	{"alice:+ 1:2\n", "alice", 1000, NULL, "not of the form"},
	{"alice:0x:2\n", "alice", 1000, NULL, "not of the form"},
	{"alice:1:2 \n", "alice", 1000, NULL, "a blank follows a number"},
	{"alice:1 :2\n", "alice", 1000, NULL, "a blank follows a number"},
	{"alice:1:2 # mine\n", "alice", 1000, NULL, "a blank follows a number"},
	{"alice:0199:2\n", "alice", 1000, NULL, "is octal"},
	{"bob:1:2\n alice:1:2\n", "alice", 1000, NULL, "line 2, \" alice:1:2\": a blank is part"},
	{"1000\t:1:2\n", "alice", 1000, NULL, "a blank is part of the user's name"},
	{" alice:1:2\nalice:3:4\n", "alice", 1000, "3+4@2", NULL},
	/* read as newuidmap reads them: tests/integration/root/subid.bats compares */
	{"alice:1:2:\n", "alice", 1000, "1+2@1", NULL},
	{"alice:1:2:\r\n", "alice", 1000, "1+2@1", NULL},
	{"alice:1:2:3:# mine\n", "alice", 1000, "1+2@1", NULL},
	{"alice: 1:\t\v2\n", "alice", 1000, "1+2@1", NULL},
	{"alice:+1:+2\n", "alice", 1000, "1+2@1", NULL},
	{"alice:0x10:0XfF\n", "alice", 1000, "16+255@1", NULL},
	{"alice:0100:010\n", "alice", 1000, "64+8@1", NULL},
	{"alice:0xfffffffe:1\n", "alice", 1000, "4294967294+1@1", NULL},
	{"alice:0x100000000:1\n", "alice", 1000, NULL, "a number exceeds"},
	{"+alice:1:2\n-alice:1:2\n", "+alice", 1000, "", NULL},
	{"1000:1\n", NULL, 1000, NULL, "not of the form"},
	{"alice:1:2\nalice:3:4\nalice:x:4\n", "alice", 1000, NULL, "line 3"},
	/* the same lines of another user */
	{"bob:1:2\r\nbob\nbob:\nbob:-1:0\nbob:99999999999:1\n:::\nalice:1:2\n", "alice", 1000,
	 "1+2@7", NULL},
};

static void lines_are_parsed_for_one_user(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(file_cases); i++) {
		const struct file_case *c = &file_cases[i];
		_cleanup_subid_ranges_ struct subid_ranges ranges = {0};
		struct error err = {0};
		char got[256];
		int rc = subid_parse_file(c->text, strlen(c->text), "/etc/subuid", c->name, c->uid,
					  &ranges, &err);

		print_message("file case %zu\n", i);
		if (!c->want) {
			assert_int_equal(rc, -EINVAL);
			assert_non_null(strstr(err.text, c->words));
			assert_null(ranges.items);
			continue;
		}
		assert_int_equal(rc, 0);
		ranges_text(&ranges, got, sizeof(got));
		assert_string_equal(got, c->want);
		assert_string_equal(ranges.source, "/etc/subuid");
	}
}

/* A NUL in the user's line is an error, in another user's line it is not. */
static void a_nul_in_the_users_line_is_an_error(void **state)
{
	static const char ours[] = "alice:1:2\0\nalice:5:6\n", others[] = "b\0b:1:2\nalice:5:6\n";
	_cleanup_subid_ranges_ struct subid_ranges ranges = {0};
	struct error err = {0};

	(void)state;
	assert_int_equal(subid_parse_file(ours, sizeof(ours) - 1, "/etc/subuid", "alice", 1000,
					  &ranges, &err),
			 -EINVAL);
	assert_int_equal(subid_parse_file(others, sizeof(others) - 1, "/etc/subuid", "alice", 1000,
					  &ranges, &err),
			 0);
	assert_int_equal(ranges.n, 1);
}

/* @n different ranges of one id each */
static char *many_lines(unsigned n, size_t *ret_size)
{
	char *text = malloc(n * 32 + 1);
	size_t used = 0;

	assert_non_null(text);
	for (unsigned i = 0; i < n; i++)
		used += (size_t)snprintf(text + used, n * 32 + 1 - used, "alice:%u:1\n", i * 2);
	*ret_size = used;
	return text;
}

static void the_number_of_ranges_is_limited(void **state)
{
	_cleanup_subid_ranges_ struct subid_ranges ranges = {0};
	_cleanup_free_ char *full = NULL, *more = NULL;
	struct error err = {0};
	size_t size;

	(void)state;
	full = many_lines(SUBID_MAX_RANGES, &size);
	assert_int_equal(subid_parse_file(full, size, "/etc/subuid", "alice", 1, &ranges, &err), 0);
	assert_int_equal(ranges.n, SUBID_MAX_RANGES);
	assert_int_equal(ranges.items[SUBID_MAX_RANGES - 1].start, (SUBID_MAX_RANGES - 1) * 2);
	more = many_lines(SUBID_MAX_RANGES + 1, &size);
	subid_ranges_clear(&ranges);
	assert_int_equal(subid_parse_file(more, size, "/etc/subuid", "alice", 1, &ranges, &err),
			 -EINVAL);
	assert_non_null(strstr(err.text, "more than 4096 ranges"));
}

static const struct {
	const char *text, *want, *words;
} getsubids_cases[] = {
	{"0: alice 100000 65536\n", "100000+65536@1", NULL},
	{"0: alice 100000 65536", "100000+65536@1", NULL},
	{"0: alice 1 2\n1: alice 3 4\n", "1+2@1 3+4@2", NULL},
	{"0: alice 1 2\n1: alice 1 2\n", "1+2@1", NULL},
	{"0: EXAMPLE\\domain users 1 2\n", "1+2@1", NULL},
	{"0: 1000 1 2\n", "1+2@1", NULL},
	{"", "", NULL},
	{"0: alice 4294967294 1\n", "4294967294+1@1", NULL},
	{"0: alice 4294967295 1\n", NULL, "ends past id"},
	{"0: alice 1 0\n", NULL, "the range is empty"},
	{"0: alice 1 4294967296\n", NULL, "a number exceeds"},
	{"Error fetching ranges\n", NULL,
	 "getsubids, line 1, \"Error fetching ranges\": not of the form"},
	{"0: alice 1 2\n\n", NULL, "line 2"},
	{"0: 1 2\n", NULL, "not of the form"},
	{"0: alice 1\n", NULL, "not of the form"},
	{"0:alice 1 2\n", NULL, "not of the form"},
	{"0 alice 1 2\n", NULL, "not of the form"},
	{"x: alice 1 2\n", NULL, "not of the form"},
	{"0: alice 1 2 \n", NULL, "not of the form"},
	{"0: alice 1 2\r\n", NULL, "not of the form"},
	{"0: alice 1 -2\n", NULL, "not of the form"},
	{"0: alice -1 2\n", NULL, "not of the form"},
};

static void the_output_of_getsubids_is_parsed(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(getsubids_cases); i++) {
		const char *text = getsubids_cases[i].text, *want = getsubids_cases[i].want;
		_cleanup_subid_ranges_ struct subid_ranges ranges = {0};
		struct error err = {0};
		char got[256];
		int rc = subid_parse_getsubids(text, strlen(text), &ranges, &err);

		print_message("getsubids case %zu\n", i);
		assert_int_equal(rc, want ? 0 : -EINVAL);
		ranges_text(&ranges, got, sizeof(got));
		assert_string_equal(got, want ? want : "");
		if (!want)
			assert_non_null(strstr(err.text, getsubids_cases[i].words));
	}
}

static const struct {
	const char *text;
	bool dynamic;
} nsswitch_cases[] = {
	{"", false},
	{"passwd: files sss\n", false},
	{"subid: files\n", false},
	{"subid:files\n", false},
	{"subid:\n", false},
	{"subid", false},
	{"subid files sss\n", false},
	{"# subid: sss\n", false},
	{"subid: # sss\n", false},
	{"subid: files # sss\n", false},
	{"subid: files#sss\n", false},
	{"subid: files [NOTFOUND=return]\n", false},
	{"subid: files\r\n", false},
	{"subids: sss\n", false},
	{"subi: sss\n", false},
	{"xsubid: sss\n", false},
	{"subid: sss\n", true},
	{"subid:sss", true},
	{"subid:\tsss\n", true},
	{"  subid : sss\n", true},
	{"SubId: sss\n", true},
	{"subid: files sss\n", true},
	{"subid: [NOTFOUND=return] sss\n", true},
	{"subid: files[NOTFOUND=return]sss\n", true},
	{"subid: file\n", true},
	{"subid: filesx\n", true},
	{"subid: FILES\n", true},
	{"passwd: files\nsubid: sss\n", true},
	{"subid: files\nsubid: sss\n", true},
};

static void nsswitch_may_name_another_source(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(nsswitch_cases); i++) {
		const char *text = nsswitch_cases[i].text;

		print_message("nsswitch case %zu\n", i);
		assert_int_equal(subid_nsswitch_is_dynamic(text, strlen(text)),
				 nsswitch_cases[i].dynamic);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_parsed_for_one_user),
		cmocka_unit_test(a_nul_in_the_users_line_is_an_error),
		cmocka_unit_test(the_number_of_ranges_is_limited),
		cmocka_unit_test(the_output_of_getsubids_is_parsed),
		cmocka_unit_test(nsswitch_may_name_another_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

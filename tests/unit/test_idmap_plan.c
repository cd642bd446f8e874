/* SPDX-License-Identifier: Apache-2.0 */
/* A table of plans: ranges, and the text of the resulting map. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/str.h"
#include "fauxroot/idmap/idmap.h"

struct plan_case {
	uint32_t own;
	struct subid_range ranges[4]; /* ends with a line number 0 */
	const char *want;	      /* the map; NULL: refused */
	const char *words;	      /* part of the error text if refused */
};

static const struct plan_case plan_cases[] = {
	{1000, {{0}}, "0 1000 1\n", NULL},
	{1000, {{100000, 65536, 1}}, "0 1000 1\n1 100000 65536\n", NULL},
	{0, {{100000, 65536, 1}}, "0 0 1\n1 100000 65536\n", NULL},
	{0, {{1, 65535, 1}}, "0 0 1\n1 1 65535\n", NULL},
	/* the order of the lines is kept; adjacent ranges become one extent */
	{1000, {{500, 2, 1}, {100, 3, 2}}, "0 1000 1\n1 500 2\n3 100 3\n", NULL},
	{1000, {{100, 5, 1}, {105, 5, 2}}, "0 1000 1\n1 100 10\n", NULL},
	{1000, {{105, 5, 1}, {100, 5, 2}}, "0 1000 1\n1 105 5\n6 100 5\n", NULL},
	{1000, {{100, 5, 1}, {106, 5, 2}}, "0 1000 1\n1 100 5\n6 106 5\n", NULL},
	{1000, {{100, 5, 1}, {105, 5, 2}, {110, 1, 3}}, "0 1000 1\n1 100 11\n", NULL},
	/* the caller's own id stays a separate extent, even next to a range */
	{99, {{100, 5, 1}}, "0 99 1\n1 100 5\n", NULL},
	{105, {{100, 5, 1}}, "0 105 1\n1 100 5\n", NULL},
	/* all possible ids */
	{0, {{1, 4294967294, 1}}, "0 0 1\n1 1 4294967294\n", NULL},
	{4294967294, {{0, 4294967294, 1}}, "0 4294967294 1\n1 0 4294967294\n", NULL},
	/* refused */
	{100, {{100, 5, 7}}, NULL, "/etc/subuid, line 7: 5 ids from 100 on contain uid 100"},
	{104, {{100, 5, 1}}, NULL, "contain uid 104"},
	{1000, {{1, 1, 1}, {900, 200, 2}}, NULL, "line 2: 200 ids from 900 on contain uid 1000"},
	{1000,
	 {{100, 10, 3}, {109, 5, 8}},
	 NULL,
	 "/etc/subuid: line 3 (10 ids from 100 on) and line 8 (5 ids from 109 on) overlap"},
	{1000, {{109, 5, 1}, {100, 10, 2}}, NULL, "overlap"},
	{1000, {{100, 10, 1}, {100, 10, 2}}, NULL, "overlap"},
	{1000, {{100, 10, 1}, {102, 2, 2}}, NULL, "overlap"},
	{1000, {{102, 2, 1}, {100, 10, 2}}, NULL, "overlap"},
	{1000,
	 {{100, 10, 1}, {300, 1, 2}, {105, 1, 3}},
	 NULL,
	 "line 1 (10 ids from 100 on) and line 3"},
	{1000, {{4294967290, 6, 1}}, NULL, "invalid range"},
	{1000, {{4294967295, 1, 1}}, NULL, "invalid range"},
	{1000, {{2, 4294967295, 1}}, NULL, "invalid range"},
	{1000, {{5, 0, 1}}, NULL, "invalid range"},
	{4294967295, {{100, 5, 1}}, NULL, "4294967295 is not an id"},
};

static void plans_match_the_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(plan_cases); i++) {
		const struct plan_case *c = &plan_cases[i];
		struct subid_range items[4];
		struct subid_ranges ranges = {.items = items, .source = "/etc/subuid", false};
		struct idmap_plan plan = {.n = 4711};
		char text[IDMAP_TEXT_MAX + 1];
		struct error err = {0};
		int rc;

		memcpy(items, c->ranges, sizeof(items));
		while (ranges.n < 4 && items[ranges.n].line)
			ranges.n++;
		rc = idmap_plan(SUBID_UID, c->own, &ranges, &plan, &err);
		print_message("plan case %zu %s\n", i, err.text);
		if (!c->want) {
			assert_int_equal(rc, -EINVAL);
			assert_non_null(strstr(err.text, c->words));
			assert_int_equal(plan.n, 4711);
			continue;
		}
		assert_int_equal(rc, 0);
		assert_int_equal(idmap_text(&plan, text), strlen(c->want));
		assert_string_equal(text, c->want);
	}
}

static void gid_errors_name_gids(void **state)
{
	struct subid_range item = {100, 5, 2};
	struct subid_ranges ranges = {&item, 1, "/etc/subgid", false};
	struct idmap_plan plan;
	struct error err = {0};

	(void)state;
	assert_int_equal(idmap_plan(SUBID_GID, 101, &ranges, &plan, &err), -EINVAL);
	assert_non_null(strstr(err.text, "/etc/subgid, line 2: 5 ids from 100 on contain gid 101"));
}

/* @n ranges that do not touch, from @start on */
static void fill(struct subid_range *items, size_t n, uint32_t start)
{
	for (size_t i = 0; i < n; i++)
		items[i] = (struct subid_range){start + (uint32_t)i * 2, 1, (unsigned)i + 1};
}

/* As many extents as the kernel accepts lines, and one more. */
static void extents_are_limited(void **state)
{
	struct subid_range items[IDMAP_MAX_EXTENTS];
	struct subid_ranges ranges = {items, IDMAP_MAX_EXTENTS - 1, "/etc/subuid", false};
	struct idmap_plan plan;
	struct error err = {0};

	(void)state;
	fill(items, IDMAP_MAX_EXTENTS, 10);
	assert_int_equal(idmap_plan(SUBID_UID, 5, &ranges, &plan, &err), 0);
	assert_int_equal(plan.n, IDMAP_MAX_EXTENTS);
	assert_int_equal(plan.extents[339].inside, 339);
	ranges.n++;
	assert_int_equal(idmap_plan(SUBID_UID, 5, &ranges, &plan, &err), -EINVAL);
	assert_non_null(strstr(err.text, "more than the 340 extents"));
	/* Merged, they are fewer. */
	for (size_t i = 0; i < IDMAP_MAX_EXTENTS; i++)
		items[i].start = 10 + (uint32_t)i;
	assert_int_equal(idmap_plan(SUBID_UID, 5, &ranges, &plan, &err), 0);
	assert_int_equal(plan.n, 2);
}

/* The kernel accepts less than a page in a write(2); with long numbers this limit is reached
 * first. */
static void maps_are_limited_to_a_page(void **state)
{
	struct subid_range items[IDMAP_MAX_EXTENTS];
	struct subid_ranges ranges = {items, IDMAP_MAX_EXTENTS - 1, "/etc/subuid", false};
	struct idmap_plan plan;
	struct error err = {0};
	char text[IDMAP_TEXT_MAX + 1];

	(void)state;
	fill(items, IDMAP_MAX_EXTENTS, 4000000000U);
	assert_int_equal(idmap_plan(SUBID_UID, 5, &ranges, &plan, &err),
			 sysconf(_SC_PAGESIZE) > 8192 ? 0 : -EINVAL);
	if (err.code)
		assert_non_null(strstr(err.text, "the kernel accepts less than a page"));
	/* The longest possible map fits into the buffer. */
	plan.n = IDMAP_MAX_EXTENTS;
	for (size_t i = 0; i < plan.n; i++)
		plan.extents[i] = (struct idmap_extent){UINT32_MAX, UINT32_MAX, UINT32_MAX};
	assert_int_equal(idmap_text(&plan, text), IDMAP_TEXT_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plans_match_the_table),
		cmocka_unit_test(gid_errors_name_gids),
		cmocka_unit_test(extents_are_limited),
		cmocka_unit_test(maps_are_limited_to_a_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The output of --check and its exit status. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>

#include "fauxroot/base/str.h"
#include "fauxroot/check/report.h"

static struct finding items[] = {
	{.name = "kernel", .status = FINDING_OK, .seen = "Linux 6.1"},
	{.name = "port 127.0.0.1:8080:80/tcp", .status = FINDING_UNKNOWN, .seen = "not tried"},
	{.name = "id map",
	 .status = FINDING_OBSTACLE,
	 .seen = "newuidmap: no",
	 .why = {.id = "nosuid", .cause = "it is on /x", .remedy = "sudo mount /x"}},
	{.name = "again",
	 .status = FINDING_OBSTACLE,
	 .seen = "the same",
	 .why = {.id = "nosuid", .cause = "as for: id map", .remedy = ""}},
	{.name = "cgroup",
	 .status = FINDING_WARNING,
	 .seen = "path \xff \"quoted\"",
	 .why = {.id = "cgroup-v1", .cause = "é", .remedy = "first\nsecond"}},
};

static const struct findings all = {items, ARRAY_SIZE(items)};

static void the_table_has_a_line_for_each_finding(void **state)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_non_null(out);
	report_print(out, &all, false);
	fclose(out);
	assert_string_equal(text, "ok        kernel  Linux 6.1\n"
				  "unknown   port 127.0.0.1:8080:80/tcp  not tried\n"
				  "obstacle  id map  newuidmap: no\n"
				  "          cause:  it is on /x\n"
				  "          remedy: sudo mount /x\n"
				  "obstacle  again   the same\n"
				  "          cause:  as for: id map\n"
				  "warning   cgroup  path \xff \"quoted\"\n"
				  "          cause:  é\n"
				  "          remedy: first\n"
				  "          remedy: second\n"
				  "2 obstacles, 1 warning\n");
	free(text);
}

static void a_terminal_gets_symbols(void **state)
{
	const struct findings one = {items, 1};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_non_null(out);
	report_print(out, &one, true);
	fclose(out);
	assert_string_equal(text, "\033[32m✓ ok      \033[0m  kernel  Linux 6.1\nready\n");
	free(text);
}

static void json_contains_all_findings(void **state)
{
	static const char *const statuses[] = {"ok", "unknown", "obstacle", "obstacle", "warning"};
	const char *check, *status, *seen, *id, *cause;
	int ready, obstacles, warnings;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	json_t *report, *checks;

	(void)state;
	assert_non_null(out);
	assert_int_equal(report_print_json(out, &all), 0);
	fclose(out);
	report = json_loads(text, 0, NULL);
	assert_int_equal(json_unpack(report, "{s:b, s:i, s:i, s:o !}", "ready", &ready, "obstacles",
				     &obstacles, "warnings", &warnings, "checks", &checks),
			 0);
	assert_int_equal(ready, 0);
	assert_int_equal(obstacles, 2);
	assert_int_equal(warnings, 1);
	assert_int_equal(json_array_size(checks), ARRAY_SIZE(items));
	for (size_t i = 0; i < ARRAY_SIZE(items); i++) {
		json_t *entry = json_array_get(checks, i);

		assert_int_equal(json_unpack(entry, "{s:s, s:s, s:s}", "check", &check, "status",
					     &status, "seen", &seen),
				 0);
		assert_string_equal(check, items[i].name);
		assert_string_equal(status, statuses[i]);
		assert_int_equal(json_object_get(entry, "id") != NULL, items[i].why.id != NULL);
		assert_int_equal(json_object_get(entry, "remedy") != NULL,
				 *items[i].why.remedy != '\0');
	}
	assert_int_equal(json_unpack(json_array_get(checks, 4), "{s:s, s:s, s:s}", "seen", &seen,
				     "id", &id, "cause", &cause),
			 0);
	assert_string_equal(seen, "path ? \"quoted\"");
	assert_string_equal(cause, "é");
	json_decref(report);
	free(text);
}

static void the_status_depends_on_the_findings(void **state)
{
	const struct findings ok = {items, 2}, warned = {&items[4], 1}, none = {NULL, 0};

	(void)state;
	assert_int_equal(report_status(&all, false), 1);
	assert_int_equal(report_status(&all, true), 1);
	assert_int_equal(report_status(&ok, true), 0);
	assert_int_equal(report_status(&warned, false), 0);
	assert_int_equal(report_status(&warned, true), 2);
	assert_int_equal(report_status(&none, true), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_has_a_line_for_each_finding),
		cmocka_unit_test(a_terminal_gets_symbols),
		cmocka_unit_test(json_contains_all_findings),
		cmocka_unit_test(the_status_depends_on_the_findings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

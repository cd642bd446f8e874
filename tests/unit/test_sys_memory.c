/* SPDX-License-Identifier: Apache-2.0 */
/* memory_release_code(): which pages are unmapped, which stay, and that the program still runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "fauxroot/base/log.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/sys/memory.h"

/* The KiB of resident file mappings of this process with @mode (" r-xp "). */
static unsigned long resident(const char *mode)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	char line[512];
	bool counts = false;
	unsigned long sum = 0;
	uint32_t kib;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		/* The first line of a mapping begins with its address and ends with its file. */
		if (strchr("0123456789abcdef", line[0]))
			counts = strstr(line, mode) && strchr(line, '/');
		if (!counts || strncmp(line, "Rss:", 4) != 0)
			continue;
		line[strcspn(line, "k") - 1] = '\0';
		assert_int_equal(parse_u32(line + 4 + strspn(line + 4, " "), UINT32_MAX, &kib), 0);
		sum += kib;
	}
	(void)fclose(f);
	return sum;
}

static volatile int written = 1;

static void code_is_unmapped_and_data_stays(void **state)
{
	unsigned long code, data;

	(void)state;
	written = 42;
	code = resident(" r-xp ");
	data = resident(" rw-p ");
	memory_release_code();
	/* The check itself needs some code, and so does a sanitizer. */
	assert_true(resident(" r-xp ") > 0);
	assert_true(resident(" r-xp ") < code);
	assert_true(resident(" rw-p ") >= data);
	assert_int_equal(written, 42);
}

static void nothing_is_unmapped_with_debug(void **state)
{
	unsigned long code;

	(void)state;
	log_setup("test", "parent", LOG_LEVEL_DEBUG, LOG_FORMAT_TEXT);
	code = resident(" r-xp ");
	memory_release_code();
	assert_true(resident(" r-xp ") >= code);
	log_setup("test", "parent", LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(code_is_unmapped_and_data_stays),
		cmocka_unit_test(nothing_is_unmapped_with_debug),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

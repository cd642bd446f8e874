/* SPDX-License-Identifier: Apache-2.0 */
/* memory_release_code() and memory_sleep(): which pages are unmapped, and that the program still
 * runs. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "fauxroot/base/log.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/sys/memory.h"

/* The KiB of resident file mappings of a process with @mode (" r-xp "). */
static unsigned long resident_of(pid_t pid, const char *mode)
{
	char path[64];
	FILE *f;
	char line[512];
	bool counts = false;
	unsigned long sum = 0;
	uint32_t kib;

	snprintf(path, sizeof(path), "/proc/%d/smaps", pid);
	f = fopen(path, "re");
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

static unsigned long resident(const char *mode)
{
	return resident_of(getpid(), mode);
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

/* A process that sleeps has less of its code in memory than when it was running. */
static void code_is_unmapped_while_it_sleeps(void **state)
{
	unsigned long running = 0, asleep = 0;
	int wake[2], tell[2], status;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe2(wake, O_CLOEXEC), 0);
	assert_int_equal(pipe2(tell, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		struct pollfd fd = {.fd = wake[0], .events = POLLIN};

		/* If the test fails, the parent's end is closed, and this ends, too. */
		close(wake[1]);
		running = resident(" r-xp ");
		if (write(tell[1], &running, sizeof(running)) != sizeof(running))
			_exit(2);
		_exit(memory_sleep(&fd, 1) == 1 && fd.revents == POLLIN ? 0 : 1);
	}
	assert_true(pid > 0);
	assert_int_equal(read(tell[0], &running, sizeof(running)), sizeof(running));
	for (int i = 0; i < 3000; i++) {
		asleep = resident_of(pid, " r-xp ");
		if (asleep < running)
			break;
		usleep(10000);
	}
	assert_true(asleep < running);
	assert_int_equal(write(wake[1], "", 1), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	for (int i = 0; i < 2; i++) {
		close(wake[i]);
		close(tell[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(code_is_unmapped_and_data_stays),
		cmocka_unit_test(nothing_is_unmapped_with_debug),
		cmocka_unit_test(code_is_unmapped_while_it_sleeps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

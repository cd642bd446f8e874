/* SPDX-License-Identifier: Apache-2.0 */
/* The counters that the forwarder shares with the launcher. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "fauxroot/base/err.h"
#include "fauxroot/port/table.h"
#include "port/builtin/counters.h"

#define THREADS 3U

static struct counters counters;

static int start(void **state)
{
	struct error err;

	(void)state;
	return counters_open(&counters, THREADS, &err);
}

static int end(void **state)
{
	(void)state;
	counters_close(&counters);
	return 0;
}

/* Count in another process, as the forwarder does. */
static void count(uint32_t slot, unsigned thread, uint64_t n)
{
	pid_t pid = fork();
	int status = 0;

	assert_true(pid >= 0);
	if (pid == 0) {
		struct counter *counter = counters_of(&counters, thread) + slot;

		counter_add(&counter->connections, 1);
		counter_add(&counter->bytes[0], n);
		counter_add(&counter->bytes[1], 10 * n);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void sums_all_threads(void **state)
{
	uint32_t slot = counters_take(&counters), other = counters_take(&counters);
	struct port_counters sum;

	(void)state;
	assert_true(slot > 0 && other > 0 && slot != other);
	for (unsigned i = 0; i < THREADS; i++)
		count(slot, i, i + 1);
	counters_read(&counters, slot, &sum);
	assert_int_equal(sum.connections, 3);
	assert_int_equal(sum.bytes_to_child, 6);
	assert_int_equal(sum.bytes_from_child, 60);
	counters_read(&counters, other, &sum);
	assert_int_equal(sum.connections + sum.bytes_to_child + sum.bytes_from_child, 0);
}

static void a_slot_begins_at_zero(void **state)
{
	uint32_t slot = counters_take(&counters);
	struct port_counters sum;

	(void)state;
	count(slot, 1, 5);
	counters_drop(&counters, slot);
	assert_int_equal(counters_take(&counters), slot);
	counters_read(&counters, slot, &sum);
	assert_int_equal(sum.connections + sum.bytes_to_child + sum.bytes_from_child, 0);
}

static void without_a_free_slot(void **state)
{
	struct port_counters sum;
	uint32_t slot, n = 0;

	(void)state;
	while ((slot = counters_take(&counters)) > 0)
		n++;
	assert_int_equal(n, COUNTERS_SLOTS - 1);
	/* Ports beyond that share slot 0. */
	count(0, THREADS - 1, 1);
	counters_drop(&counters, 0);
	assert_int_equal(counters_take(&counters), 0);
	/* The last slot of the last thread is within the memory. */
	count(COUNTERS_SLOTS - 1, THREADS - 1, 7);
	counters_read(&counters, COUNTERS_SLOTS - 1, &sum);
	assert_int_equal(sum.bytes_to_child, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(sums_all_threads, start, end),
		cmocka_unit_test_setup_teardown(a_slot_begins_at_zero, start, end),
		cmocka_unit_test_setup_teardown(without_a_free_slot, start, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

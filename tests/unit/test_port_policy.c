/* SPDX-License-Identifier: Apache-2.0 */
/* The scheduling policy and the processor of a thread that relays. */
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "fauxroot/base/fd.h"
#include "port/builtin/policy.h"

#define BULK	 (1ULL << 30) /* in a tenth of a second */
#define CHECK_MS 100

/* A TCP connection of this machine, on which one byte has arrived at pair[0]. */
static void connect_pair(int pair[2])
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char byte = 'x';

	assert_return_code(bind(listener, (struct sockaddr *)&address, size), 0);
	assert_return_code(listen(listener, 1), 0);
	assert_return_code(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	pair[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_return_code(connect(pair[1], (struct sockaddr *)&address, size), 0);
	pair[0] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_return_code(pair[0], 0);
	assert_int_equal(send(pair[1], &byte, 1, 0), 1);
	assert_int_equal(recv(pair[0], &byte, 1, 0), 1);
	fd_close(listener);
}

/* A policy with a connection to follow. Skips the test where the policy may change nothing. */
static void start(struct policy *policy, int pair[2])
{
	connect_pair(pair);
	policy_init(policy, 0);
	if (!policy->may_change)
		skip();
}

static unsigned processors(void)
{
	cpu_set_t set;

	assert_return_code(sched_getaffinity(0, sizeof(set), &set), 0);
	return (unsigned)CPU_COUNT(&set);
}

static void a_bulk_transfer_uses_sched_batch_and_follows_its_receiver(void **state)
{
	uint64_t spliced = BULK;
	struct policy policy;
	unsigned all = processors();
	int pair[2];

	(void)state;
	start(&policy, pair);
	assert_int_equal(policy.two, all == 2);
	policy.two = true;
	/* Too early for a check. */
	policy_adapt(&policy, &spliced, pair[0], CHECK_MS - 1);
	assert_false(policy.is_batch);
	assert_int_equal(spliced, BULK);
	policy_adapt(&policy, &spliced, pair[0], CHECK_MS);
	assert_true(policy.is_batch);
	assert_int_equal(syscall(SYS_sched_getscheduler, 0), SCHED_BATCH);
	assert_int_equal(spliced, 0);
	assert_int_equal(processors(), 1);
	assert_true(policy.on >= 0);
	/* Several transfers. */
	spliced = BULK;
	policy_adapt(&policy, &spliced, -1, INT64_C(2) * CHECK_MS);
	assert_true(policy.is_batch);
	assert_int_equal(processors(), all);
	spliced = BULK;
	policy_adapt(&policy, &spliced, pair[0], INT64_C(3) * CHECK_MS);
	assert_int_equal(processors(), 1);
	/* The transfer has ended. */
	policy_adapt(&policy, &spliced, pair[0], INT64_C(4) * CHECK_MS);
	assert_false(policy.is_batch);
	assert_int_equal(syscall(SYS_sched_getscheduler, 0), SCHED_OTHER);
	assert_int_equal(processors(), all);
	fd_close(pair[0]);
	fd_close(pair[1]);
}

static void with_more_processors_it_follows_nobody(void **state)
{
	uint64_t spliced = BULK;
	struct policy policy;
	unsigned all = processors();
	int pair[2];

	(void)state;
	start(&policy, pair);
	policy.two = false;
	policy_adapt(&policy, &spliced, pair[0], CHECK_MS);
	assert_true(policy.is_batch);
	assert_int_equal(processors(), all);
	policy_adapt(&policy, &spliced, pair[0], INT64_C(2) * CHECK_MS);
	assert_false(policy.is_batch);
	fd_close(pair[0]);
	fd_close(pair[1]);
}

/* One interval at this rate. Returns whether the next one uses SCHED_BATCH. */
static bool interval(struct policy *policy, uint64_t bytes)
{
	policy_adapt(policy, &bytes, -1, policy->since_ms + CHECK_MS);
	return policy->is_batch;
}

/* How many of the next @n intervals use SCHED_BATCH, at the rate @batch with it, and @other
 * without? */
static int batch_of(struct policy *policy, int n, uint64_t batch, uint64_t other)
{
	int count = 0;

	for (int i = 0; i < n; i++)
		count += interval(policy, policy->is_batch ? batch : other);
	return count;
}

static void the_faster_way_is_kept(void **state)
{
	struct policy policy;

	(void)state;
	policy_init(&policy, 0);
	if (!policy.may_change)
		skip();
	/* SCHED_BATCH is faster: three of the first four intervals use it, then ten of eleven. */
	assert_int_equal(batch_of(&policy, 4, 2 * BULK, BULK), 3);
	assert_int_equal(batch_of(&policy, 110, 2 * BULK, BULK), 100);
	/* The same rate is no reason to change. */
	assert_int_equal(batch_of(&policy, 110, BULK, BULK), 100);
	/* Other programs keep the processors busy, so SCHED_BATCH is slower. */
	(void)batch_of(&policy, 22, BULK, 2 * BULK);
	assert_int_equal(batch_of(&policy, 110, BULK, 2 * BULK), 10);
	/* The other programs have ended. */
	(void)batch_of(&policy, 22, 2 * BULK, BULK);
	assert_int_equal(batch_of(&policy, 110, 2 * BULK, BULK), 100);
	/* With SCHED_BATCH the transfer is too slow to count as a bulk transfer. */
	assert_int_equal(batch_of(&policy, 3, 1, BULK), 1);
	assert_int_equal(batch_of(&policy, 110, 1, BULK), 10);
	(void)batch_of(&policy, 22, 2 * BULK, BULK);
	/* The faster way is remembered for the next transfer. */
	(void)batch_of(&policy, 22, BULK, 2 * BULK);
	assert_false(interval(&policy, 0));
	assert_false(interval(&policy, BULK));
	assert_false(interval(&policy, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bulk_transfer_uses_sched_batch_and_follows_its_receiver),
		cmocka_unit_test(with_more_processors_it_follows_nobody),
		cmocka_unit_test(the_faster_way_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

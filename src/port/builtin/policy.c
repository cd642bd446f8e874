/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A bulk transfer keeps three threads busy: the sender, the receiver, and our worker between them.
 * Sender and receiver wake the worker again and again. A thread that wakes up preempts the running
 * thread (EEVDF, and CFS before). Often that is the receiver to which the worker has just sent
 * data. The receiver falls behind, its window fills, and the worker is woken on its processor
 * again. With fewer than three free processors this cost a fifth of the throughput. A thread with
 * SCHED_BATCH (man 7 sched) does not preempt: it waits until another thread pauses, or runs on an
 * idle processor.
 *
 * For small requests on a busy machine that wait is too long: with all processors busy, the 99th
 * percentile of the response time doubled. So a thread uses SCHED_BATCH only while many bytes go
 * through its pipes.
 */
#include "policy.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The interval of checks. */
#define CHECK_MS 100

/* The minimum rate of a bulk transfer: 1.6 Gbit/s. */
#define BULK_BYTES_PER_MS (200 << 10)

/* musl's functions refuse: POSIX wants them to act on processes, and Linux acts on threads. */
bool policy_may_change(void)
{
	return syscall(SYS_sched_getscheduler, 0) == SCHED_OTHER;
}

static bool set_policy(int policy)
{
	static const struct sched_param none = {.sched_priority = 0};

	return syscall(SYS_sched_setscheduler, 0, policy, &none) == 0;
}

void policy_adapt(struct policy *policy, uint64_t *spliced, int64_t now_ms)
{
	int64_t passed = now_ms - policy->since_ms;
	bool bulk;

	if (passed < CHECK_MS || !policy->may_change)
		return;
	bulk = *spliced >= (uint64_t)passed * BULK_BYTES_PER_MS;
	*spliced = 0;
	policy->since_ms = now_ms;
	if (bulk != policy->is_batch && set_policy(bulk ? SCHED_BATCH : SCHED_OTHER))
		policy->is_batch = bulk;
}

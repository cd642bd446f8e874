/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A bulk transfer keeps three busy: the sender, the receiver, and us between them. Each wakes us at
 * every turn, and a thread that has slept preempts whom it finds (EEVDF, as CFS before): the very
 * receiver that it has just served, which then falls behind, so that its window fills and we are
 * woken on its processor again. Where there are not processors for all three this cost a fifth of
 * the throughput. A thread of SCHED_BATCH (man 7 sched) does not preempt: it waits until somebody
 * pauses, or takes an idle processor.
 *
 * For a small request on a busy machine that wait would be the wrong thing: with all processors
 * taken its 99th percentile doubled. So a thread is SCHED_BATCH only while much goes through its
 * pipes.
 */
#include "policy.h"

#include <sched.h>

/* Looked at so often. */
#define LOOK_MS 100

/* So much is a bulk transfer: 1.6 Gbit/s. */
#define BULK_BYTES_PER_MS (200 << 10)

bool policy_may_change(void)
{
	return sched_getscheduler(0) == SCHED_OTHER;
}

void policy_adapt(struct policy *policy, uint64_t *spliced, int64_t now_ms)
{
	static const struct sched_param none = {.sched_priority = 0};
	int64_t passed = now_ms - policy->since_ms;
	bool bulk;

	if (passed < LOOK_MS || !policy->may_change)
		return;
	bulk = *spliced >= (uint64_t)passed * BULK_BYTES_PER_MS;
	*spliced = 0;
	policy->since_ms = now_ms;
	if (bulk != policy->is_batch &&
	    sched_setscheduler(0, bulk ? SCHED_BATCH : SCHED_OTHER, &none) == 0)
		policy->is_batch = bulk;
}

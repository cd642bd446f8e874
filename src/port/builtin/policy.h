/* SPDX-License-Identifier: Apache-2.0 */
/* The scheduling policy of a thread (man 7 sched), adapted to its load: see policy.c. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct policy {
	bool may_change;
	bool is_batch; /* SCHED_BATCH */
	int64_t since_ms;
};

/*
 * policy_may_change() - may threads change their policy?
 *
 * Not if the user has started this process with a policy other than SCHED_OTHER.
 */
bool policy_may_change(void);

/*
 * policy_adapt() - adapt the policy of the calling thread to its load
 * @spliced: bytes through pipes since the last check; the check sets it to 0
 * @now_ms: on the monotonic clock
 *
 * Checks ten times a second at most, however often it is called.
 */
void policy_adapt(struct policy *policy, uint64_t *spliced, int64_t now_ms);

/* SPDX-License-Identifier: Apache-2.0 */
/* A thread's scheduling policy (man 7 sched), which follows what the thread does: see policy.c. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct policy {
	bool may_change;
	bool is_batch; /* SCHED_BATCH */
	int64_t since_ms;
};

/*
 * policy_may_change() - may threads change their policy? Not where somebody has given this process
 * one that is not the usual
 */
bool policy_may_change(void);

/*
 * policy_adapt() - fit the calling thread's policy to what it does
 * @spliced: bytes through pipes since the last look, which sets it to 0
 * @now_ms: of the monotonic clock
 *
 * Looks a few times a second, however often it is called.
 */
void policy_adapt(struct policy *policy, uint64_t *spliced, int64_t now_ms);

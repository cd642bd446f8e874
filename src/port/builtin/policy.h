/* SPDX-License-Identifier: Apache-2.0 */
/* The scheduling policy of a thread (man 7 sched), adapted to its load: see policy.c. */
#pragma once

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

struct policy {
	bool may_change;
	bool is_batch; /* SCHED_BATCH; the loop yields */
	/* Is SCHED_BATCH faster in a bulk transfer? */
	bool prefers_batch;
	bool is_trial;	      /* this interval tries the other policy */
	unsigned trial_after; /* number of intervals before a trial */
	uint64_t n, sum;      /* intervals since the last trial; sum of their rates */
	bool two;	      /* the process may use exactly two processors */
	int on;		      /* the only processor that the thread may use; -1: all */
	cpu_set_t all;	      /* the processors that the process may use */
	int64_t since_ms;
};

/*
 * policy_init() - start without bulk transfers
 *
 * A process that the user has started with a policy other than SCHED_OTHER keeps it.
 */
void policy_init(struct policy *policy, int64_t now_ms);

/*
 * policy_adapt() - adapt the policy of the calling thread to its load and its throughput
 * @spliced: bytes through pipes since the last check; the check sets it to 0
 * @receiver: the socket to the receiver of the only bulk transfer; -1: there is none, or more
 * @now_ms: on the monotonic clock
 *
 * Checks ten times a second at most, however often it is called.
 */
void policy_adapt(struct policy *policy, uint64_t *spliced, int receiver, int64_t now_ms);

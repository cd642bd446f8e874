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
 * In the same state a worker gives up the processor before it moves the bytes of a batch of events
 * (loop.c): meanwhile sender and receiver run, and the worker finds more bytes at once. With eight
 * streams on two processors this needs a third less processor time.
 *
 * With two processors, one of them has two of the three threads. It is best if these are the worker
 * and the receiver: then the worker does not wake a thread on another processor. So a worker with
 * one bulk transfer follows its receiver. With more processors, each thread has one.
 *
 * All of this assumes that the other runnable threads are the sender and the receiver. If they
 * belong to other programs that compute, each pause is as long as theirs: eight streams on a
 * machine with twenty such programs reached half the throughput. A thread cannot see who waits for
 * the processors, but it knows its throughput. So it tries the other policy now and then, for one
 * interval, and keeps the faster one.
 *
 * For small requests on a busy machine that wait is too long: with all processors busy, the 99th
 * percentile of the response time doubled. So a thread uses SCHED_BATCH only while many bytes go
 * through its pipes.
 */
#include "policy.h"

#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The interval of checks. */
#define CHECK_MS 100

/* The minimum rate of a bulk transfer: 1.6 Gbit/s. */
#define BULK_BYTES_PER_MS (200 << 10)

/* The number of intervals before the other policy is tried: at first, and later. The first trial is
 * early, so that short transfers have one. Long transfers spend less than a tenth of their time on
 * trials. */
#define TRIAL_FIRST 3
#define TRIAL_EVERY 10

/* musl's function fails: POSIX sets the policy of a process, and Linux sets that of a thread. */
static bool set_policy(int policy)
{
	static const struct sched_param none = {.sched_priority = 0};

	return syscall(SYS_sched_setscheduler, 0, policy, &none) == 0;
}

/* The processor on which the acknowledgements of the TCP socket @fd arrive (man 7 socket). If the
 * peer is on this machine, its thread runs there. -1: not known */
static int processor_of(int fd)
{
	int cpu = -1;
	socklen_t size = sizeof(cpu);

	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_INCOMING_CPU, &cpu, &size) < 0)
		return -1;
	return cpu;
}

/* Run on the processor of the thread at the other end of the socket @fd; -1: on any. */
static void follow(struct policy *policy, int fd)
{
	int cpu = processor_of(fd);
	cpu_set_t one;

	if (cpu == policy->on || !policy->may_change)
		return;
	CPU_ZERO(&one);
	if (cpu >= 0 && cpu < CPU_SETSIZE)
		CPU_SET((unsigned)cpu, &one);
	/* Fails for a processor that we may not use. */
	if (syscall(SYS_sched_setaffinity, 0, sizeof(one), cpu < 0 ? &policy->all : &one) == 0)
		policy->on = cpu;
}

void policy_init(struct policy *policy, int64_t now_ms)
{
	*policy = (struct policy){
		.since_ms = now_ms, .on = -1, .prefers_batch = true, .trial_after = TRIAL_FIRST};
	policy->may_change = syscall(SYS_sched_getscheduler, 0) == SCHED_OTHER;
	policy->two = sched_getaffinity(0, sizeof(policy->all), &policy->all) == 0 &&
		      CPU_COUNT(&policy->all) == 2;
}

/* Compare the rate of a trial, in bytes per millisecond, with the mean rate of the intervals before
 * it. */
static void learn(struct policy *policy, uint64_t rate)
{
	/* Require a tenth more, because rates vary anyway. */
	if (rate > policy->sum / policy->n / 10 * 11)
		policy->prefers_batch = !policy->prefers_batch;
	policy->trial_after = TRIAL_EVERY;
	policy->is_trial = false;
	policy->sum = policy->n = 0;
}

/* Returns whether the next interval uses SCHED_BATCH. @rate: of the last interval. */
static bool choose(struct policy *policy, uint64_t rate)
{
	bool is_bulk = rate >= BULK_BYTES_PER_MS;

	if (policy->is_trial) {
		learn(policy, rate);
	} else if (policy->is_batch == policy->prefers_batch && (is_bulk || policy->is_batch)) {
		/* The interval in which a transfer begins does not count if its policy is not the
		 * preferred one. The interval in which it slows down counts: SCHED_BATCH may be the
		 * reason. */
		policy->sum += rate;
		policy->n++;
		policy->is_trial = policy->n >= policy->trial_after || !is_bulk;
	}
	if (!is_bulk && !policy->is_trial)
		policy->sum = policy->n = 0;
	return policy->is_trial ? !policy->prefers_batch : is_bulk && policy->prefers_batch;
}

void policy_adapt(struct policy *policy, uint64_t *spliced, int receiver, int64_t now_ms)
{
	int64_t passed = now_ms - policy->since_ms;
	uint64_t rate;
	bool batch;

	if (passed < CHECK_MS || !policy->may_change)
		return;
	rate = *spliced / (uint64_t)passed;
	*spliced = 0;
	policy->since_ms = now_ms;
	batch = choose(policy, rate);
	if (batch != policy->is_batch && set_policy(batch ? SCHED_BATCH : SCHED_OTHER))
		policy->is_batch = batch;
	follow(policy, policy->is_batch && policy->two ? receiver : -1);
}

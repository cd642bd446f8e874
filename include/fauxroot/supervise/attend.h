/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The attendant: a process of ours that waits for one child process. It forwards signals to the
 * child, reports its stops, and reaps it. The init of a PID namespace is an attendant. So is
 * `fauxrootctl exec` into such a namespace, because only a new process enters it (man 2 setns).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct error;
struct process;
struct signals;

/* argv[0] of our init, and the name that ps(1) shows. */
#define INIT_NAME "fauxroot: init"

struct attendant {
	const struct signals *signals; /* blocked and open: signals_block() */
	bool reap_all;		       /* reap every child, as PID 1 must; else only the process */
	pid_t wanted;		       /* the PID to request from pids_fork(); 0: any */
	const int *keep;	       /* descriptors that @started and @stopped need; all others
					* are closed */
	size_t n_keep;		       /* at most 8 */
	/* Called when the process exists; the process waits until this returns. May be NULL. */
	void (*started)(void *arg, const struct process *process);
	/* Called when the process has stopped, if it is in our session; @status as in waitpid(2).
	 */
	void (*stopped)(void *arg, pid_t pid, int status);
	void *arg;
};

/*
 * fork_attended() - fork(2), and attend the new process until it exits
 * @ret_status: status of the new process, in the form of waitpid(2)
 *
 * First the attendant releases everything that belongs to the caller, so that only the new process
 * has it: it closes all descriptors except @keep, opens /dev/null as 0, 1 and 2, and changes to
 * "/". The new process waits for that. It gets SIGKILL when the attendant dies. Its signals are
 * still blocked: signals_restore().
 *
 * Then the attendant forwards the signals that it receives, reports stops, and reaps. Returns 0 in
 * the new process; 1 in the attendant when the new process has exited; -errno if the fork failed.
 */
int fork_attended(const struct attendant *attendant, int *ret_status, struct error *err);

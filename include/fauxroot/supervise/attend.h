/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attending a process: where one of ours has to stay between a caller and the command, it is there
 * for that alone. The init of a PID namespace is one; `fauxrootctl exec` into such a namespace is
 * another, as only a new process enters it (man 2 setns).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct error;
struct process;
struct signals;

/* What our init calls itself: argv[0], and the name that ps(1) shows. */
#define INIT_NAME "fauxroot: init"

struct attendant {
	const struct signals *signals; /* blocked and open: signals_block() */
	bool reap_all;		       /* whatever ends here, as PID 1; else the process alone */
	pid_t wanted;		       /* the number to ask pids_fork() for; 0: the next one */
	const int *keep;	       /* descriptors that @started and @stopped need; all others
					* are closed */
	size_t n_keep;		       /* at most 8 */
	/* The process is there, and waits until this has returned; or NULL. */
	void (*started)(void *arg, const struct process *process);
	/* The process has stopped, in our session: as waitpid(2) tells it. */
	void (*stopped)(void *arg, pid_t pid, int status);
	void *arg;
};

/*
 * fork_attended() - fork(2), and stay behind the new process until it ends
 * @ret_status: of the new process, in the form of waitpid(2)
 *
 * The new process goes on when the attendant has emptied its hands, so that nothing of the caller's
 * is held open behind the command's back: all descriptors but @keep are closed, 0, 1 and 2 lead to
 * /dev/null, the working directory is "/". It gets SIGKILL when the attendant dies, and has all
 * signals blocked still: signals_restore().
 *
 * From then on the attendant forwards what signals it gets, tells of stops, and reaps. Returns 0 in
 * the new process; 1 in the attendant when that has ended; -errno where there is none.
 */
int fork_attended(const struct attendant *attendant, int *ret_status, struct error *err);

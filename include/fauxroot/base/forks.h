/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The observer of the processes that this process forks and reaps. In a process with an event loop
 * that reaps, the observer is the table of proc/children.h; other processes have none.
 *
 * base/ and sys/ fork; the table is in a layer above them. They report here, so every fork is in
 * the table before anything else can happen, and a wait for one process removes it from the table.
 */
#pragma once

#include <sys/types.h>

struct error;

struct fork_observer {
	/* Before a fork. Returns 0, or -ENOMEM: then there is no fork. */
	int (*expect)(void *arg);
	/* @pid is forked. */
	void (*born)(void *arg, pid_t pid);
	/* @pid was sent SIGKILL, and the caller does not wait for it. */
	void (*abandoned)(void *arg, pid_t pid);
	/* @pid is reaped: from now on another process may have this PID. */
	void (*reaped)(void *arg, pid_t pid);
	void *arg;
};

/*
 * forks_observe() - report this process's forks to @observer from now on; NULL: to no observer
 * @observer: must exist until it is replaced
 *
 * Forks of a forked process are not reported: they are children of that process.
 */
void forks_observe(const struct fork_observer *observer);

/* forks_expect() - call before each fork of a process @name; 0 or -ENOMEM with @err */
int forks_expect(const char *name, struct error *err);

/* forks_born() - call in the parent as soon as the fork has returned @pid */
void forks_born(pid_t pid);

/* forks_abandoned() - @pid was sent SIGKILL; the code that reaps all children must reap it */
void forks_abandoned(pid_t pid);

/* forks_reaped() - waitpid(2) has returned @pid, or has failed with ECHILD for @pid */
void forks_reaped(pid_t pid);

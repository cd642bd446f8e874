/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is told of the processes that this one forks, and of their ends: proc/children.h, where the
 * process has an event loop that reaps; nobody elsewhere.
 *
 * Forks are made in base/ and sys/, below the table that keeps account of them. They report here,
 * so that a fork is in the table before anything else can happen, whoever has made it, and so that
 * a wait for one process takes it out of the table.
 */
#pragma once

#include <sys/types.h>

struct error;

struct fork_observer {
	int (*expect)(void *arg); /* before a fork: 0, or -ENOMEM, and nothing is forked */
	void (*born)(void *arg, pid_t pid);
	void (*left)(void *arg, pid_t pid);   /* was sent SIGKILL, and is not waited for */
	void (*reaped)(void *arg, pid_t pid); /* the PID may be another's from now on */
	void *arg;
};

/*
 * forks_observe() - tell @observer of this process's forks from now on; NULL: nobody
 * @observer: must stay until it is replaced
 *
 * A fork of this process has children of its own: it is not observed.
 */
void forks_observe(const struct fork_observer *observer);

/* forks_expect() - before each fork @name; 0 or -ENOMEM with @err */
int forks_expect(const char *name, struct error *err);

/* forks_born() - in the parent, as soon as the fork has returned @pid */
void forks_born(pid_t pid);

/* forks_left() - @pid was sent SIGKILL, and whoever reaps all children is to reap it */
void forks_left(pid_t pid);

/* forks_reaped() - waitpid(2) has returned @pid, or that it is no child of ours any more */
void forks_reaped(pid_t pid);

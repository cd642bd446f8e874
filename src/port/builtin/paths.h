/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that connect to UNIX sockets of the host. See paths.c. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "fauxroot/base/list.h"
#include "mail.h"
#include "target.h"

/* The number of threads. While fewer services hang, the other services work. */
#define PATHS_THREADS 4U

/* A client is reset if the connection is not made after this time. */
#define PATHS_WAIT_MS 5000

struct paths_thread;

/* One connection that is being made: a member of the caller's object. */
struct paths_job {
	struct list link; /* in paths.waiting */
	struct letter letter;
	uint32_t service; /* the port's id: one connection of a service is made at a time */
	int fd, rc;
	bool canceled;
	struct target target;
	struct mailbox *mail;
	void (*done)(struct paths_job *job);
};

struct paths {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct list waiting;
	struct paths_job *now[PATHS_THREADS]; /* the job of each thread; NULL: none */
};

/* paths_init() - start without jobs; the caller starts the threads, and each calls paths_run() */
void paths_init(struct paths *paths);

/* paths_run() - the main function of thread @index, below PATHS_THREADS */
_Noreturn void paths_run(struct paths *paths, unsigned index);

/*
 * paths_connect() - connect a socket to a UNIX socket of the host
 * @job: stays where it is until its @done is called
 * @service: id of the port; @target: copied; @fd: a socket of KIND_UNIX
 * @mail: of the thread in which @done is called; then job->rc is 0 or the -errno of connect(2)
 *
 * @done is called for each job. If its path hangs, that can be as late as the end of the process.
 */
void paths_connect(struct paths *paths, struct paths_job *job, uint32_t service,
		   const struct target *target, int fd, struct mailbox *mail,
		   void (*done)(struct paths_job *job));

/* paths_cancel() - give up @job: if no thread has begun it, @done is called soon, with
 * -ECANCELED */
void paths_cancel(struct paths *paths, struct paths_job *job);

/* paths_hang() - is a thread still busy with a canceled job of @service? */
bool paths_hang(struct paths *paths, uint32_t service);

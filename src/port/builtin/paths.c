/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * connect(2) to a UNIX socket looks up a path. That takes forever if the path is on a network file
 * system or a FUSE mount that does not answer, and not even SIGKILL ends it then. A thread that
 * relays must not wait for that. So these threads make the connections, and do nothing else. A
 * thread takes a job only if no other thread has a job of the same service. So a service whose path
 * hangs blocks one thread only, and the other threads serve the other services. The caller cancels
 * a job that takes too long, and refuses clients of that service until the thread is free again.
 *
 * The threads start with the process: its filter forbids new ones.
 */
#include "paths.h"

#include <errno.h>

void paths_init(struct paths *paths)
{
	pthread_mutex_init(&paths->lock, NULL);
	pthread_cond_init(&paths->changed, NULL);
	list_init(&paths->waiting);
	for (unsigned i = 0; i < PATHS_THREADS; i++)
		paths->now[i] = NULL;
}

static bool is_served(const struct paths *paths, uint32_t service)
{
	for (unsigned i = 0; i < PATHS_THREADS; i++)
		if (paths->now[i] && paths->now[i]->service == service)
			return true;
	return false;
}

/* Returns the first job that can be done now, or NULL. The caller has the lock. */
static struct paths_job *next_job(const struct paths *paths)
{
	struct paths_job *job;

	LIST_EACH (job, &paths->waiting, link)
		if (!is_served(paths, job->service))
			return job;
	return NULL;
}

/* letter.read */
static void deliver(struct letter *letter)
{
	struct paths_job *job = CONTAINER(letter, struct paths_job, letter);

	job->done(job);
}

void paths_run(struct paths *paths, unsigned index)
{
	for (;;) {
		struct paths_job *job;

		pthread_mutex_lock(&paths->lock);
		while (!(job = next_job(paths)))
			pthread_cond_wait(&paths->changed, &paths->lock);
		list_remove(&job->link);
		paths->now[index] = job;
		pthread_mutex_unlock(&paths->lock);
		job->rc = target_connect_path(&job->target, job->fd);
		pthread_mutex_lock(&paths->lock);
		paths->now[index] = NULL;
		pthread_cond_broadcast(&paths->changed);
		pthread_mutex_unlock(&paths->lock);
		mail_post(job->mail, &job->letter, deliver);
	}
}

void paths_connect(struct paths *paths, struct paths_job *job, uint32_t service,
		   const struct target *target, int fd, struct mailbox *mail,
		   void (*done)(struct paths_job *job))
{
	job->service = service;
	job->target = *target;
	job->fd = fd;
	job->mail = mail;
	job->done = done;
	job->canceled = false;
	pthread_mutex_lock(&paths->lock);
	list_append(&paths->waiting, &job->link);
	pthread_cond_signal(&paths->changed);
	pthread_mutex_unlock(&paths->lock);
}

void paths_cancel(struct paths *paths, struct paths_job *job)
{
	bool waits;

	pthread_mutex_lock(&paths->lock);
	waits = !list_empty(&job->link);
	list_remove(&job->link);
	job->canceled = true;
	pthread_mutex_unlock(&paths->lock);
	if (!waits)
		return;
	/* Not in a thread: all of them may hang. */
	job->rc = -ECANCELED;
	mail_post(job->mail, &job->letter, deliver);
}

bool paths_hang(struct paths *paths, uint32_t service)
{
	bool hang = false;

	pthread_mutex_lock(&paths->lock);
	for (unsigned i = 0; i < PATHS_THREADS; i++)
		hang |= paths->now[i] && paths->now[i]->service == service &&
			paths->now[i]->canceled;
	pthread_mutex_unlock(&paths->lock);
	return hang;
}

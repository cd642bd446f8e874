/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that connect to UNIX sockets: jobs that hang do not keep others from their end. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/list.h"
#include "fauxroot/base/macro.h"
#include "port/builtin/loop.h"
#include "port/builtin/mail.h"
#include "port/builtin/paths.h"

#define WAIT_MS 30000

static struct paths paths;
static struct loop loop;
static struct mailbox box;

/* A listener with an abstract name that the kernel has chosen, as a target. */
struct server {
	struct sockaddr_un name;
	struct target target;
	int fd;
};

struct job {
	struct paths_job job;
	bool done;
};

static void *run(void *arg)
{
	paths_run(&paths, (unsigned)(uintptr_t)arg);
}

static int start(void **state)
{
	(void)state;
	paths_init(&paths);
	assert_int_equal(loop_init(&loop), 0);
	assert_int_equal(mail_init(&box, &loop), 0);
	for (uintptr_t i = 0; i < PATHS_THREADS; i++) {
		pthread_t thread;

		assert_int_equal(pthread_create(&thread, NULL, run, (void *)i), 0);
		pthread_detach(thread);
	}
	return 0;
}

static void serve(struct server *server, int backlog)
{
	socklen_t size = sizeof(server->name);

	memset(server, 0, sizeof(*server));
	server->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	server->name.sun_family = AF_UNIX;
	assert_return_code(bind(server->fd, (const struct sockaddr *)&server->name,
				sizeof(sa_family_t)),
			   errno);
	assert_return_code(listen(server->fd, backlog), errno);
	assert_return_code(getsockname(server->fd, (struct sockaddr *)&server->name, &size), errno);
	server->target.child.sa.sa_family = AF_UNIX;
	server->target.destination = (const union endpoint *)(const void *)&server->name;
	server->target.path_size = (uint32_t)(size - offsetof(struct sockaddr_un, sun_path));
}

static void on_done(struct paths_job *job)
{
	CONTAINER(job, struct job, job)->done = true;
}

static void begin(struct job *job, uint32_t service, const struct server *server)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_return_code(fd, errno);
	job->done = false;
	paths_connect(&paths, &job->job, service, &server->target, fd, &box, on_done);
}

/* Read letters until the job is done. */
static void await(const struct job *job)
{
	struct deadline deadline = deadline_in(WAIT_MS);

	while (!job->done && deadline_left(&deadline) > 0) {
		(void)loop_turn(&loop, 100);
		(void)mail_read(&box);
	}
	assert_true(job->done);
}

/* Wait until a thread has begun the job. */
static void await_begin(struct job *job)
{
	struct deadline deadline = deadline_in(WAIT_MS);
	bool begun = false;

	while (!begun && deadline_left(&deadline) > 0) {
		pthread_mutex_lock(&paths.lock);
		for (unsigned i = 0; i < PATHS_THREADS; i++)
			begun |= paths.now[i] == &job->job;
		pthread_mutex_unlock(&paths.lock);
		(void)poll(NULL, 0, 1);
	}
	assert_true(begun);
}

static void connects_and_reports_failures(void **state)
{
	struct server server;
	struct job job;

	(void)state;
	serve(&server, 16);
	begin(&job, 1, &server);
	await(&job);
	assert_int_equal(job.job.rc, 0);
	fd_close(job.job.fd);
	fd_close(server.fd);
	begin(&job, 1, &server);
	await(&job);
	assert_int_equal(job.job.rc, -ECONNREFUSED);
	fd_close(job.job.fd);
}

/* A full backlog blocks connect(2) as a file system does that hangs. */
static void a_canceled_job_ends_while_all_threads_hang(void **state)
{
	struct job hanging[PATHS_THREADS], first, waiting;
	struct server full, other;

	(void)state;
	serve(&full, 0);
	serve(&other, 16);
	begin(&first, 1, &full);
	await(&first);
	for (unsigned i = 0; i < PATHS_THREADS; i++) {
		begin(&hanging[i], i + 1, &full);
		await_begin(&hanging[i]);
		paths_cancel(&paths, &hanging[i].job);
		assert_true(paths_hang(&paths, i + 1));
	}
	begin(&waiting, PATHS_THREADS + 1, &other);
	paths_cancel(&paths, &waiting.job);
	await(&waiting);
	assert_int_equal(waiting.job.rc, -ECANCELED);
	assert_false(paths_hang(&paths, PATHS_THREADS + 1));
	fd_close(waiting.job.fd);
	/* The others are done when the kernel ends their calls. */
	fd_close(full.fd);
	for (unsigned i = 0; i < PATHS_THREADS; i++) {
		await(&hanging[i]);
		assert_int_equal(hanging[i].job.rc, -ECONNREFUSED);
		fd_close(hanging[i].job.fd);
		assert_false(paths_hang(&paths, i + 1));
	}
	fd_close(first.job.fd);
	/* The threads work again. */
	begin(&waiting, 1, &other);
	await(&waiting);
	assert_int_equal(waiting.job.rc, 0);
	fd_close(waiting.job.fd);
	fd_close(other.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connects_and_reports_failures),
		cmocka_unit_test(a_canceled_job_ends_while_all_threads_hang),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}

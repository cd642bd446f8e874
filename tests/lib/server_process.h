/* SPDX-License-Identifier: Apache-2.0 */
/* A server for tests, in a process of its own. For inclusion after cmocka.h. */
#pragma once

#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include <event2/event.h>

#include "fauxroot/base/fd.h"

/*
 * server_fork() - start @serve, and return its PID when it has written a byte to @ready
 *
 * @serve does not return.
 */
static inline pid_t server_fork(void (*serve)(void *arg, int ready), void *arg)
{
	int ready[2];
	pid_t pid;
	char byte;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		serve(arg, ready[1]);
	fd_close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	fd_close(ready[0]);
	return pid;
}

/* server_on_term() - as a callback of libevent: leave the loop of the base @arg */
static inline void server_on_term(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	event_base_loopbreak(arg);
}

/* server_limit_fds() - leave @spare descriptors for connections */
static inline void server_limit_fds(rlim_t spare)
{
	int lowest = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct rlimit limit;

	fd_close(lowest);
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = (rlim_t)lowest + spare;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/sys/inside.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/sys/ns.h"

static void set(int fd, int level, int option, int value)
{
	/* Ignore failures: without a necessary option, bind(2) fails. */
	(void)setsockopt(fd, level, option, &value, sizeof(value));
}

int inside_bind(const struct inside_socket *wanted, int *ret, struct error *err)
{
	static const char reno[] = "reno";
	const union endpoint *e = &wanted->address;
	_cleanup_close_ int fd =
		socket(e->sa.sa_family, wanted->type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	char text[ENDPOINT_MAX];

	(void)endpoint_format(e, text, sizeof(text));
	if (fd < 0)
		return err_set(err, errno, "making a socket for %s in the child's network", text);
	if (e->sa.sa_family == AF_INET6)
		set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	if (wanted->type == SOCK_STREAM) {
		set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
		/* The clients are on this machine: the default may be an algorithm that waits. */
		(void)setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, reno, sizeof(reno) - 1);
	}
	if (bind(fd, &e->sa, endpoint_size(e)) < 0 ||
	    (wanted->type == SOCK_STREAM && listen(fd, SOMAXCONN) < 0))
		return err_set(err, errno, "binding %s in the child's network", text);
	*ret = TAKE_FD(fd);
	return 0;
}

struct listen_job {
	const struct inside_socket *wanted;
	size_t n;
	int fds[INSIDE_MAX];
};

/* ns_job.run. After a failure the process exits, and its sockets with it. */
static int listen_inside(void *arg, struct error *err)
{
	struct listen_job *job = arg;
	int rc = 0;

	for (size_t i = 0; i < job->n && rc == 0; i++)
		rc = inside_bind(&job->wanted[i], &job->fds[i], err);
	return rc;
}

int inside_listen(const struct ns_set *ns, const struct inside_socket *wanted, size_t n,
		  int *ret_fds, const struct deadline *deadline, int cancel_fd, struct error *err)
{
	struct listen_job listen_job = {.wanted = wanted, .n = n};
	const struct ns_job job = {
		.name = "fauxroot: netns",
		.which = NS_JOIN_NET,
		.run = listen_inside,
		.arg = &listen_job,
		.fds = listen_job.fds,
		.n_fds = n,
	};
	int rc;

	if (n > INSIDE_MAX)
		return err_set(err, E2BIG, "making sockets in the child's network");
	rc = ns_run(ns, &job, deadline, cancel_fd, err);
	for (size_t i = 0; i < n && rc == 0; i++)
		ret_fds[i] = listen_job.fds[i];
	return rc;
}

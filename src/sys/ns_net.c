/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The child is to stay in the host's network namespace and yet to have one of its own. It cannot
 * make that itself: unshare(2) would take it out of the host's, and the way back in is closed to it
 * (setns(2) wants CAP_SYS_ADMIN over the host's). So a runner that has joined the child's user
 * namespace unshares and passes the result back by descriptor.
 */
#include <errno.h>
#include <linux/nsfs.h>
#include <linux/sockios.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/sys/ns.h"

int ns_unshare_net(struct error *err)
{
	if (unshare(CLONE_NEWNET) == 0)
		return 0;
	return err_step(err, err_set(err, errno, "making the network namespace: unshare"),
			STEP_CLONE);
}

/* In the runner. A socket leads to its namespace (SIOCGSKNS) without the need of a /proc. */
static int unshare_net(void *arg, struct error *err)
{
	_cleanup_close_ int sock = -1;
	int *ret = arg;

	if (ns_unshare_net(err) < 0)
		return -err->code;
	sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	*ret = sock < 0 ? -1 : ioctl(sock, SIOCGSKNS);
	return *ret < 0 ? err_set(err, errno, "opening the new network namespace") : 0;
}

static bool is_net(int fd)
{
	return fd >= 0 && ioctl(fd, NS_GET_NSTYPE) == CLONE_NEWNET;
}

int ns_make_net(const struct ns_set *ns, int *ret, const struct deadline *deadline, int cancel_fd,
		struct error *err)
{
	int net = -1;
	const struct ns_job job = {
		.name = "fauxroot: netns",
		.which = NS_JOIN_USER,
		.run = unshare_net,
		.arg = &net,
		.fd = &net,
	};
	int rc = ns_run(ns, &job, deadline, cancel_fd, err);

	if (rc == 0 && !is_net(net))
		rc = err_say(err, EPROTO, "what came back is no network namespace");
	if (rc == 0)
		*ret = TAKE_FD(net);
	fd_close(net);
	return err_step(err, rc, STEP_CLONE);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The child must stay in the host's network namespace, and own another one. It cannot create that
 * itself: unshare(2) would move it out of the host's namespace, and setns(2) back requires
 * CAP_SYS_ADMIN over the host's. So a runner joins the child's user namespace, calls unshare(2),
 * and returns a descriptor of the new namespace.
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
	return err_step(err, err_set(err, errno, "creating the network namespace: unshare"),
			STEP_CLONE);
}

/* In the runner. SIOCGSKNS opens a socket's namespace without /proc. */
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
		.fds = &net,
		.n_fds = 1,
	};
	int rc = ns_run(ns, &job, deadline, cancel_fd, err);

	if (rc == 0 && !is_net(net))
		rc = err_say(err, EPROTO, "the runner returned no network namespace");
	if (rc == 0)
		*ret = TAKE_FD(net);
	fd_close(net);
	return err_step(err, rc, STEP_CLONE);
}

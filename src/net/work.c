/* SPDX-License-Identifier: Apache-2.0 */
/* The holder's work in the child's network namespace. */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/wait.h>

#include "fauxroot/base/err.h"
#include "fauxroot/net/net.h"
#include "fauxroot/proc/children.h"
#include "fauxroot/sys/ns.h"
#include "helper/helper.h"

bool net_set_up_job(const struct net *net, struct ns_job *ret)
{
	if (!net->driver->set_up)
		return false;
	*ret = *net->driver->set_up;
	ret->guards = net->driver->helper && net->driver->helper->holder_stays;
	ret->arg = (void *)(uintptr_t)&net->plan;
	return true;
}

/* The holder has done its work. If it was killed before that, the helper reports an error. */
static void on_holder(void *arg, int status)
{
	struct net *net = arg;

	if (WIFSTOPPED(status))
		return;
	process_forget(&net->holder.process);
	if (net->driver->holder_ended)
		net->driver->holder_ended(net);
}

void net_watch_holder(struct net *net)
{
	/* This cannot fail: the holder is our fork. */
	if (net->children && net->holder.process.pid > 0)
		(void)children_watch(net->children, net->holder.process.pid, on_holder, net);
}

int net_set_up(struct net *net, const struct deadline *deadline, struct error *err)
{
	struct ns_job job;
	int rc = 0;

	if (!net_set_up_job(net, &job))
		return err_say(err, EINVAL, "this network has nothing to set up");
	if (net->holder.sock < 0) {
		/* The previous holder was killed, but may not be reaped yet. */
		ns_holder_end(&net->holder);
		rc = ns_hold(net->ns, &job, &net->holder, err);
		net_watch_holder(net);
	}
	return rc < 0 ? rc
		      : ns_holder_work(&net->holder, net->ns, &job, deadline, net->cancel_fd, err);
}

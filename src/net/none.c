/* SPDX-License-Identifier: Apache-2.0 */
/* --net=none: a network namespace in which there is only loopback. */
#include "fauxroot/net/link.h"
#include "fauxroot/net/net.h"

#define SETUP_MS 5000

static int none_plan(const struct config *config, struct net_plan *ret, struct error *err)
{
	(void)config;
	(void)err;
	*ret = (struct net_plan){.own_netns = true};
	return 0;
}

static int up_loopback_in_ns(void *arg, struct error *err)
{
	(void)arg;
	return link_up_loopback(err);
}

static int none_start(struct net *net, struct error *err)
{
	const struct ns_job job = {
		.name = "fauxroot: net",
		.which = NS_JOIN_NET,
		.run = up_loopback_in_ns,
	};
	struct deadline deadline = deadline_in(SETUP_MS);

	return ns_run(net->ns, &job, &deadline, net->cancel_fd, err);
}

const struct net_driver net_driver_none = {
	.mode = NET_NONE,
	.name = "none",
	.plan = none_plan,
	.start = none_start,
};

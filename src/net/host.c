/* SPDX-License-Identifier: Apache-2.0 */
/* --net=host: the child shares the host's network namespace. */
#include "fauxroot/net/net.h"

static int host_plan(const struct config *config, struct net_plan *ret, struct error *err)
{
	(void)config;
	(void)err;
	*ret = (struct net_plan){.own_netns = false};
	return 0;
}

static int host_start(struct net *net, struct error *err)
{
	(void)net;
	(void)err;
	return 0;
}

const struct net_driver net_driver_host = {
	.mode = NET_HOST,
	.name = "host",
	.plan = host_plan,
	.start = host_start,
};

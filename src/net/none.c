/* SPDX-License-Identifier: Apache-2.0 */
/* --net=none: a network namespace with only the loopback device. */
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

static const struct ns_job set_up = {.name = "fauxroot: net", .run = up_loopback_in_ns};

static int none_start(struct net *net, struct error *err)
{
	struct deadline deadline = deadline_in(SETUP_MS);
	int rc = net_set_up(net, &deadline, err);

	/* No helper needs the holder. */
	ns_holder_end(&net->holder);
	return rc;
}

const struct net_driver net_driver_none = {
	.mode = NET_NONE,
	.name = "none",
	.plan = none_plan,
	.set_up = &set_up,
	.start = none_start,
};

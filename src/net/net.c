/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/net/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "fauxroot/base/err.h"
#include "fauxroot/proc/children.h"
#include "slirp4netns/slirp4netns.h"

const struct net_driver *const *net_drivers(void)
{
	static const struct net_driver *const drivers[] = {
		&net_driver_host,
		&net_driver_none,
		&net_driver_slirp4netns,
		NULL,
	};

	return drivers;
}

static const struct net_driver *find_driver(enum net_mode mode)
{
	const struct net_driver *const *driver = net_drivers();

	while (*driver && (*driver)->mode != mode)
		driver++;
	return *driver;
}

int net_open(const struct config *config, int cancel_fd, struct net *ret, struct error *err)
{
	int rc;

	*ret = (struct net){
		.driver = find_driver(config->net),
		.config = config,
		.cancel_fd = cancel_fd,
		.holder = NS_HOLDER_NONE,
	};
	if (!ret->driver)
		return err_step(err,
				err_say(err, EOPNOTSUPP, "--net: no such driver in this build"),
				STEP_OPTIONS);
	rc = err_step(err, ret->driver->plan(config, &ret->plan, err), STEP_OPTIONS);
	if (rc == 0) {
		ret->plan.detached = ret->plan.own_netns && config->detach_netns;
		if (ret->driver->check)
			rc = err_step(err, ret->driver->check(ret, err), STEP_NET);
	}
	if (rc < 0)
		net_stop(ret);
	return rc;
}

int net_verify(struct net *net, struct error *err)
{
	int rc = net->driver->verify ? net->driver->verify(net, err) : 0;

	return rc < 0 ? err_step(err, rc, STEP_NET) : rc;
}

int net_offer_ports(struct net *net, const char *dir, struct error *err)
{
	if (!net->driver->endpoint)
		return err_say(err, EOPNOTSUPP, "the network %s forwards no ports",
			       net->driver->name);
	free(net->endpoint);
	net->endpoint = str_format("%s/%s", dir, net->driver->endpoint);
	return net->endpoint ? 0 : err_set(err, ENOMEM, "preparing the port driver");
}

static int add_address(struct strv *v, int family, const void *address)
{
	char text[INET6_ADDRSTRLEN];

	return strv_add(v, inet_ntop(family, address, text, sizeof(text)));
}

int net_dns(const struct net *net, struct strv *ret)
{
	int rc;

	if (!net->plan.configures_dns)
		return 0;
	rc = add_address(ret, AF_INET, &net->plan.dns);
	if (rc == 0 && net->plan.ipv6)
		rc = add_address(ret, AF_INET6, &net->plan.dns6);
	return rc;
}

int net_prepare(struct net *net, struct error *err)
{
	int rc = net->driver->prepare ? net->driver->prepare(net, err) : 0;

	return rc < 0 ? err_step(err, rc, STEP_NET) : rc;
}

int net_start(struct net *net, const struct ns_set *ns, struct ns_holder holder, struct error *err)
{
	int rc;

	net->ns = ns;
	net->holder = holder;
	rc = net->driver->start(net, err);
	return rc < 0 ? err_step(err, rc, STEP_NET) : rc;
}

int net_wait_ready(struct net *net, struct error *err)
{
	int rc = net->driver->wait_ready ? net->driver->wait_ready(net, err) : 0;

	return rc < 0 ? err_step(err, rc, STEP_NET) : rc;
}

void net_supervise(struct net *net, struct event_base *base, struct children *children,
		   const struct net_events *events, void *arg)
{
	net->base = base;
	net->children = children;
	/* From now on terminating signals are for the target: they must not cancel a helper's
	 * restart. */
	net->cancel_fd = -1;
	net->events = events;
	net->events_arg = arg;
	net_watch_holder(net);
	if (net->driver->supervise)
		net->driver->supervise(net);
}

void net_kill(struct net *net)
{
	if (net->driver && net->driver->kill)
		net->driver->kill(net);
}

void net_stop(struct net *net)
{
	if (net->driver && net->driver->stop)
		net->driver->stop(net);
	ns_holder_end(&net->holder);
	free(net->endpoint);
	*net = (struct net){.cancel_fd = -1, .holder = NS_HOLDER_NONE};
}

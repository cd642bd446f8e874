/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/net/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/log.h"
#include "fauxroot/config/options.h"
#include "fauxroot/proc/children.h"
#include "pasta/pasta.h"
#include "slirp4netns/slirp4netns.h"

const struct net_driver *const *net_drivers(void)
{
	static const struct net_driver *const drivers[] = {
		&net_driver_host,
		&net_driver_none,
		&net_driver_slirp4netns,
		&net_driver_pasta,
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

/* Plan the network of @driver, and find its helper. */
static int open_driver(struct net *net, const struct net_driver *driver, struct error *err)
{
	int rc;

	net->driver = driver;
	net->version[0] = '\0';
	rc = err_step(err, driver->plan(net->config, &net->plan, err), STEP_OPTIONS);
	if (rc < 0)
		return rc;
	net->names_host = net->config->forward_host.n > 0;
	net->plan.detached = net->plan.own_netns && net->config->detach_netns;
	return driver->check ? err_step(err, driver->check(net, err), STEP_NET) : 0;
}

/*
 * The order of --net=auto. It is constant, so that a machine has the same network at each start.
 * docs/networks.md has the measurements behind it.
 */
static const struct net_driver *const preferred[] = {
	&net_driver_slirp4netns,
	&net_driver_pasta,
	NULL,
};

/*
 * Open the first driver of net->rest whose helper is installed. Returns 0; -ENOENT with
 * REASON_EXEC if none of them is; else the last other error.
 */
static int open_next(struct net *net, struct error *err)
{
	int rc = -ENOENT;

	while (*net->rest) {
		const struct net_driver *driver = *net->rest++;
		struct error why;
		int failed = open_driver(net, driver, &why);

		if (failed == 0) {
			log_debug("--net=%s: %s", options_net(net->config), driver->name);
			return 0;
		}
		log_debug("--net=%s: not %s: %s", options_net(net->config), driver->name, why.text);
		if (rc == -ENOENT) {
			*err = why;
			rc = failed;
		}
		if (why.step == STEP_OPTIONS)
			break;
	}
	return rc;
}

static int open_first(struct net *net, struct error *err)
{
	int rc;

	net->rest = preferred;
	rc = open_next(net, err);
	if (rc == -ENOENT) {
		rc = err_say(err, ENOENT,
			     "--net=%s: no network helper is installed: neither %s (package "
			     "slirp4netns) nor %s (package passt)",
			     options_net(net->config), net->config->slirp4netns.binary,
			     net->config->pasta.binary);
		(void)err_step(err, rc, STEP_NET);
		return err_about(err, rc, REASON_EXEC, "%s", net->config->slirp4netns.binary);
	}
	if (rc == 0 && net->config->net == NET_GVISOR_TAP_VSOCK)
		log_warning("--net=gvisor-tap-vsock is not built in: using %s", net->driver->name);
	return rc;
}

int net_open(const struct config *config, int cancel_fd, struct net *ret, struct error *err)
{
	const struct net_driver *driver = find_driver(config->net);
	int rc;

	*ret = (struct net){.config = config, .cancel_fd = cancel_fd, .holder = NS_HOLDER_NONE};
	if (config_chooses_helper(config))
		rc = open_first(ret, err);
	else if (driver)
		rc = open_driver(ret, driver, err);
	else
		rc = err_step(err, err_say(err, EOPNOTSUPP, "--net: no such driver in this build"),
			      STEP_OPTIONS);
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
	enum dns_mode mode = config_dns(net->config);
	int rc = 0;

	if (!net->plan.configures_dns || mode == DNS_NONE)
		return 0;
	for (size_t i = 0; mode == DNS_GIVEN && i < net->config->dns.n && rc == 0; i++)
		rc = strv_add(ret, net->config->dns.items[i]);
	if (mode == DNS_GIVEN)
		return rc;
	rc = add_address(ret, AF_INET, &net->plan.dns);
	if (rc == 0 && net->plan.ipv6)
		rc = add_address(ret, AF_INET6, &net->plan.dns6);
	return rc;
}

void net_hosts(const struct net *net, char *buf, size_t size)
{
	static const char names[] = "host.docker.internal host.containers.internal";
	char v4[INET_ADDRSTRLEN], v6[INET6_ADDRSTRLEN];
	size_t used;

	buf[0] = '\0';
	if (!net->names_host)
		return;
	inet_ntop(AF_INET, &net->plan.host, v4, sizeof(v4));
	(void)str_print(buf, size, "%s\t%s\n", v4, names);
	used = strlen(buf);
	inet_ntop(AF_INET6, &net->plan.host6, v6, sizeof(v6));
	if (net->plan.ipv6)
		(void)str_print(buf + used, size - used, "%s\t%s\n", v6, names);
}

int net_prepare(struct net *net, struct error *err)
{
	int rc = net->driver->prepare ? net->driver->prepare(net, err) : 0;

	return rc < 0 ? err_step(err, rc, STEP_NET) : rc;
}

/* Start the network of net->driver again from the beginning, in the same namespaces. */
static int start_over(struct net *net, struct error *err)
{
	int rc = open_next(net, err);

	if (rc == 0)
		rc = net_prepare(net, err);
	if (rc == 0)
		rc = net->driver->start(net, err);
	return err_step(err, rc, STEP_NET);
}

/*
 * The helper failed its first start with @rc. If the user left the choice to us, start the next
 * one. A device that cannot be used fails for all of them. Returns 0 if the next one is started.
 */
static int fall_back(struct net *net, int rc, struct error *err)
{
	struct error why;

	while (rc < 0 && net->rest && *net->rest && rc != -ECANCELED &&
	       err->reason != REASON_DEVICE) {
		const struct net_driver *failed = net->driver;

		failed->stop(net);
		ns_holder_end(&net->holder);
		rc = start_over(net, &why);
		if (rc == -ENOENT && why.reason == REASON_EXEC) {
			net->driver = failed;
			return -err->code;
		}
		log_warning("--net=%s: %s; trying %s", options_net(net->config), err->text,
			    net->driver->name);
		if (rc < 0)
			*err = why;
	}
	return rc;
}

int net_start(struct net *net, const struct ns_set *ns, struct ns_holder holder, struct error *err)
{
	int rc;

	net->ns = ns;
	net->holder = holder;
	rc = net->driver->start(net, err);
	if (rc < 0)
		rc = fall_back(net, rc, err);
	return rc < 0 ? err_step(err, rc, STEP_NET) : rc;
}

int net_wait_ready(struct net *net, struct error *err)
{
	int rc = net->driver->wait_ready ? net->driver->wait_ready(net, err) : 0;

	while (rc < 0) {
		rc = fall_back(net, rc, err);
		if (rc < 0)
			return err_step(err, rc, STEP_NET);
		rc = net->driver->wait_ready(net, err);
	}
	return rc;
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

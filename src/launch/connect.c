/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The launcher sets up the network from outside while the child mounts inside. Everything that the
 * target may use exists before it runs: "go" is the launcher's last message.
 */
#include "connect.h"

#include <stdio.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"
#include "fauxroot/proc/handshake.h"
#include "launch.h"
#include "namespaces.h"

bool connect_has_etc(const struct launch *l)
{
	return l->net.plan.configures_dns && !l->net.plan.detached;
}

int connect_prepare_net(struct launch *l, struct error *err)
{
	return net_prepare(&l->net, err);
}

int connect_start_net(struct launch *l, struct error *err)
{
	struct ns_holder holder = NS_HOLDER_NONE;

	if (l->in_middle.is_holder) {
		holder = l->cloned.middle;
		l->cloned.middle = NS_HOLDER_NONE;
	}
	/* If the middle process is no holder, it has exited: reap it. */
	ns_holder_end(&l->cloned.middle);
	return net_start(&l->net, &l->cloned.ns, holder, err);
}

int connect_await_mounts(struct launch *l, struct error *err)
{
	int rc = handshake_follow(l->cloned.sock, HANDSHAKE_MOUNTED, "mounting", l->cloned.progress,
				  l->signals->cancel, NULL, err);

	if (rc == 0)
		log_debug("mounted");
	return rc;
}

int connect_await_net(struct launch *l, struct error *err)
{
	return net_wait_ready(&l->net, err);
}

int connect_start_ports(struct launch *l, struct error *err)
{
	const struct net_plan *plan = &l->net.plan;
	struct port_net net = port_net_at(plan->address, plan->ipv6 ? &plan->address6 : NULL);

	net.endpoint = l->net.endpoint;
	return ports_start(&l->ports, &l->cloned.ns, &net, err);
}

int connect_publish(struct launch *l, struct error *err)
{
	return ports_publish(&l->ports, err);
}

bool connect_has_host_ports(const struct launch *l)
{
	return l->host_ports.driver;
}

int connect_host_ports(struct launch *l, struct error *err)
{
	const struct net_plan *plan = &l->net.plan;
	struct port_net net = {.endpoint = NULL};
	int rc;

	if (plan->has_host) {
		net.host = endpoint_of_ipv4(plan->host);
		net.gateway = endpoint_of_ipv4(plan->gateway);
	}
	if (plan->has_host && plan->ipv6) {
		net.host6 = endpoint_of_ipv6(&plan->host6);
		net.gateway6 = endpoint_of_ipv6(&plan->gateway6);
	}
	rc = ports_start(&l->host_ports, &l->cloned.ns, &net, err);
	return rc < 0 ? rc : ports_publish(&l->host_ports, err);
}

void connect_stop_host_ports(struct launch *l)
{
	ports_stop(&l->host_ports);
}

/* The last step before "go", and atomic: when a client sees the file, everything else exists. */
int connect_write_child_pid(struct launch *l, struct error *err)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%d", l->cloned.child.pid);

	return statedir_write(&l->prepared.state, "child_pid", text, (size_t)n, 0444, err);
}

int connect_go(struct launch *l, struct error *err)
{
	int rc = handshake_send(l->cloned.sock, HANDSHAKE_GO);

	return rc < 0 ? err_set(err, -rc, "sending \"go\" to the child") : 0;
}

int connect_announce(struct launch *l, struct error *err)
{
	struct error why;

	(void)err;
	/* A named instance is announced already: prepare_name(). */
	if (!l->config->name && instance_announce(&l->prepared.state, NULL, l->signals->cancel,
						  &l->prepared.link, &why) < 0)
		log_debug("cannot add this instance to the list of instances: %s", why.text);
	statedir_sweep_strays();
	/* Inherited descriptors belong to the target alone now. */
	fd_close_inherited();
	return 0;
}

int connect_verify_net(struct launch *l, struct error *err)
{
	return net_verify(&l->net, err);
}

void connect_kill_net(struct launch *l)
{
	if (l->net.driver)
		net_kill(&l->net);
}

void connect_stop_net(struct launch *l)
{
	if (l->net.driver)
		net_stop(&l->net);
}

void connect_stop_ports(struct launch *l)
{
	ports_stop(&l->ports);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A port keeps its clients' addresses if three conditions are true: --source-ip-transparent is
 * enabled, a socket in the child can be bound to a foreign address (source.c), and the kernel
 * routes the answers back to us (tracking.c). The routes are set up for the first port that remote
 * clients can reach, because connection tracking slows down all connections of the namespace.
 *
 * A server at a loopback address needs a routing rule as well. Several ports may lead to one
 * server, so the rule is removed with the last of these ports.
 */
#include "addresses.h"

#include <errno.h>
#include <sys/socket.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/log.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/proc/kept.h"
#include "tracking.h"

static int index_of(int family)
{
	return family == AF_INET6 ? SOURCE_IPV6 : SOURCE_IPV4;
}

int addresses_prepare(struct addresses *a, const struct ports *ports, struct error *err)
{
	bool transparent = ports->config->source_ip_transparent;
	int rc = source_prepare(ports->ns, &ports->net, transparent, ports->cancel_fd, &a->setup,
				&a->route, err);

	if (rc < 0)
		return err_wrap(err, rc, "preparing the child's network for published ports");
	if (transparent && a->setup.why[0])
		log_warning("some addresses of remote clients are not kept: %s", a->setup.why);
	return 0;
}

bool addresses_possible(const struct addresses *a, const struct ports *ports)
{
	return ports->config->source_ip_transparent && a->setup.real[SOURCE_IPV4] && !a->refused;
}

/* Clients on the host's loopback have no address to keep. */
bool addresses_wanted(const struct addresses *a, const struct ports *ports, const struct port *port)
{
	union endpoint parents[2], child = portspec_child(&port->spec);

	(void)portspec_parent(&port->spec, parents);
	return ports->config->source_ip_transparent &&
	       a->setup.real[index_of(child.sa.sa_family)] && !portspec_is_udp(port->spec.proto) &&
	       !endpoint_is_loopback(&parents[0]);
}

bool addresses_kept(const struct addresses *a, const struct ports *ports, const struct port *port)
{
	return a->tracking && addresses_wanted(a, ports, port);
}

bool addresses_marked(const struct addresses *a)
{
	return a->tracking && tracking_is_by_mark(a->tracking);
}

const union endpoint *addresses_proxy(const struct addresses *a, int family)
{
	return &a->setup.proxy[index_of(family)];
}

int addresses_track(struct addresses *a, const struct ports *ports, struct error *err)
{
	struct error why = {0};
	int rc;

	if (a->tracking || a->refused)
		return 0;
	rc = tracking_start(ports->ns, ports->cancel_fd, &a->tracking, &why);
	if (rc == 0 && ports->base)
		rc = tracking_supervise(a->tracking, ports->base, &why);
	if (rc == 0)
		return 0;
	tracking_stop(TAKE_PTR(a->tracking));
	if (kept_is_shortage(rc) || rc == -ECANCELED) {
		if (err)
			*err = why;
		return err_wrap(err, rc, "keeping the addresses of remote clients");
	}
	a->refused = true;
	log_warning("the addresses of remote clients are not kept; the command sees an address of "
		    "its own network instead: %s",
		    why.text);
	return 0;
}

int addresses_supervise(const struct addresses *a, const struct ports *ports, struct error *err)
{
	return a->tracking ? tracking_supervise(a->tracking, ports->base, err) : 0;
}

/* Does the server of @port need a rule for its answers? */
static bool needs_rule(const struct addresses *a, const struct ports *ports,
		       const struct port *port)
{
	union endpoint child = portspec_child(&port->spec);

	return endpoint_is_loopback(&child) && addresses_kept(a, ports, port);
}

int addresses_route(struct addresses *a, const struct ports *ports, const struct port *port,
		    struct error *err)
{
	union endpoint child = portspec_child(&port->spec);

	return needs_rule(a, ports, port) ? source_route_answers(&a->route, &child, err) : 0;
}

void addresses_unroute(struct addresses *a, const struct ports *ports, const struct port *port)
{
	union endpoint child = portspec_child(&port->spec);
	struct error err = {0};

	if (!needs_rule(a, ports, port))
		return;
	for (size_t i = 0; i < ports->n; i++) {
		const struct port *item = &ports->items[i];
		union endpoint other = portspec_child(&item->spec);

		/* A port without a listener is being removed. */
		if (item->listeners[0] >= 0 && endpoint_equal(&other, &child) &&
		    needs_rule(a, ports, item))
			return;
	}
	if (source_unroute_answers(&a->route, &child, &err) < 0)
		log_warning("%s", err.text);
}

void addresses_clear(struct addresses *a)
{
	tracking_stop(TAKE_PTR(a->tracking));
	netlink_close(&a->route);
}

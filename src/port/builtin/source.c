/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * With IP_TRANSPARENT (man 7 ip) a socket in the child can connect from an address that is not the
 * child's: the real client's. The target's answers must then be routed back to that socket, and not
 * out of the child's network. So possible answers to us use a separate routing table, in which
 * every destination is local. Two kinds of rules select it:
 *
 * - A rule on a mark, for all answers. Connection tracking copies the mark from our packets to
 *   their answers, through bridges and DNAT: see tracking.c.
 * - A rule on source address and source port, for each published port of a loopback address. An
 *   answer gets its mark after it was routed; if the network has no other route for the answer (no
 *   default route), it would never get one. The rule includes the port, because the kernel routes a
 *   packet again after DNAT, with the same source. The target itself may connect from 127.0.0.1,
 *   and DNAT may redirect that connection to a container: it must reach the container.
 *
 * Servers trust 127.0.0.1. So a remote client that cannot keep its address gets the address of the
 * child's interface. A network without such an address (--net=none, or one without IPv6) gets one
 * on lo.
 */
#include "source.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/base/str.h"
#include "fauxroot/port/table.h"
#include "fauxroot/sys/netlink.h"
#include "fauxroot/sys/ns.h"
#include "protocol.h"

#define SETUP_MS 5000

/* The IPv4 dummy address (RFC 7600), and an address as in the IPv6 networks that we set up. */
#define PROXY4 "192.0.0.8"
#define PROXY6 "fd00::100"

#ifndef IPV6_TRANSPARENT
#define IPV6_TRANSPARENT 75
#endif

static const int families[SOURCE_FAMILIES] = {AF_INET, AF_INET6};

/* An object that exists already is success. */
static int ok_if_exists(int rc)
{
	return rc == -EEXIST ? 0 : rc;
}

/* ip [-6] rule add … lookup TABLE: the caller appends the conditions. */
static void begin_rule(struct netlink_request *r, uint16_t type, int family, uint8_t prefix)
{
	const struct fib_rule_hdr rule = {
		.family = (uint8_t)family,
		.src_len = prefix,
		.action = FR_ACT_TO_TBL,
	};

	netlink_clear(r);
	netlink_begin(r, type, type == RTM_NEWRULE ? NLM_F_CREATE | NLM_F_EXCL : 0, &rule,
		      sizeof(rule));
	netlink_put_u32(r, FRA_TABLE, SOURCE_TABLE);
	/* A fixed priority: by default each new rule gets the next lower one, until none is left.
	 */
	netlink_put_u32(r, FRA_PRIORITY, SOURCE_PRIORITY);
}

/* ip [-6] rule add fwmark MARK lookup TABLE */
static int add_mark_rule(struct netlink *nl, int family)
{
	struct netlink_request r;

	begin_rule(&r, RTM_NEWRULE, family, 0);
	netlink_put_u32(&r, FRA_FWMARK, SOURCE_MARK);
	return ok_if_exists(netlink_transact(nl, &r, "adding a routing rule", NULL));
}

/* ip [-6] rule add|del from ADDRESS ipproto tcp sport PORT lookup TABLE */
static int change_answers_rule(struct netlink *nl, uint16_t type, const union endpoint *child,
			       const char *what, struct error *err)
{
	bool ipv6 = child->sa.sa_family == AF_INET6;
	const void *address = ipv6 ? (const void *)&child->in6.sin6_addr : &child->in.sin_addr;
	const struct fib_rule_port_range port = {endpoint_port(child), endpoint_port(child)};
	const uint8_t protocol = IPPROTO_TCP;
	struct netlink_request r;

	begin_rule(&r, type, child->sa.sa_family, ipv6 ? 128 : 32);
	netlink_put(&r, FRA_SRC, address, ipv6 ? 16 : 4);
	netlink_put(&r, FRA_IP_PROTO, &protocol, sizeof(protocol));
	netlink_put(&r, FRA_SPORT_RANGE, &port, sizeof(port));
	return netlink_transact(nl, &r, what, err);
}

int source_route_answers(struct netlink *nl, const union endpoint *child, struct error *err)
{
	return ok_if_exists(change_answers_rule(nl, RTM_NEWRULE, child,
						"adding a routing rule for answers", err));
}

int source_unroute_answers(struct netlink *nl, const union endpoint *child, struct error *err)
{
	int rc = change_answers_rule(nl, RTM_DELRULE, child, "removing a routing rule for answers",
				     err);

	/* The target may have removed it. */
	return rc == -ENOENT ? 0 : rc;
}

/* ip [-6] route add local default dev lo table TABLE */
static int add_route(struct netlink *nl, int family)
{
	const struct rtmsg route = {
		.rtm_family = (uint8_t)family,
		.rtm_protocol = RTPROT_STATIC,
		.rtm_scope = family == AF_INET ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE,
		.rtm_type = RTN_LOCAL,
	};
	struct netlink_request r;

	netlink_clear(&r);
	netlink_begin(&r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &route, sizeof(route));
	netlink_put_u32(&r, RTA_TABLE, SOURCE_TABLE);
	netlink_put_u32(&r, RTA_OIF, if_nametoindex("lo"));
	return ok_if_exists(netlink_transact(nl, &r, "adding a routing table", NULL));
}

/* ip address add ADDRESS dev lo */
static int add_address(struct netlink *nl, const union endpoint *e)
{
	bool ipv6 = e->sa.sa_family == AF_INET6;
	const void *address = ipv6 ? (const void *)&e->in6.sin6_addr : &e->in.sin_addr;
	size_t size = ipv6 ? 16 : 4;
	const struct ifaddrmsg ifaddr = {
		.ifa_family = (uint8_t)e->sa.sa_family,
		.ifa_prefixlen = (uint8_t)(size * 8),
		.ifa_scope = RT_SCOPE_UNIVERSE,
		.ifa_index = if_nametoindex("lo"),
	};
	struct netlink_request r;

	netlink_clear(&r);
	netlink_begin(&r, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &ifaddr, sizeof(ifaddr));
	netlink_put(&r, IFA_LOCAL, address, size);
	netlink_put(&r, IFA_ADDRESS, address, size);
	return ok_if_exists(netlink_transact(nl, &r, "adding an address", NULL));
}

/* Returns the first address of @family on an interface that is neither loopback nor link-local. */
static union endpoint interface_address(int family)
{
	union endpoint found = {.sa.sa_family = AF_UNSPEC};
	struct ifaddrs *all = NULL;

	if (getifaddrs(&all) < 0)
		return found;
	for (struct ifaddrs *at = all; at; at = at->ifa_next) {
		union endpoint e;

		if (!at->ifa_addr || at->ifa_addr->sa_family != family ||
		    (at->ifa_flags & IFF_LOOPBACK) || !(at->ifa_flags & IFF_UP))
			continue;
		memcpy(&e, at->ifa_addr, family == AF_INET ? sizeof(e.in) : sizeof(e.in6));
		if (endpoint_is_link_local(&e))
			continue;
		found = e;
		break;
	}
	freeifaddrs(all);
	return found;
}

/* Can a socket be bound to a foreign address? Tries one of the range for documentation. */
static int try_transparent(int family)
{
	_cleanup_close_ int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	union endpoint foreign;
	int one = 1, rc;

	if (fd < 0)
		return -errno;
	(void)endpoint_of(family == AF_INET6 ? "2001:db8::1" : "192.0.2.1", 0, &foreign);
	rc = family == AF_INET6 ? setsockopt(fd, IPPROTO_IPV6, IPV6_TRANSPARENT, &one, sizeof(one))
				: setsockopt(fd, IPPROTO_IP, IP_TRANSPARENT, &one, sizeof(one));
	if (rc < 0 || bind(fd, &foreign.sa, endpoint_size(&foreign)) < 0)
		return -errno;
	return 0;
}

static void note(struct source_setup *setup, const char *what, int rc)
{
	if (rc < 0 && !setup->why[0])
		(void)str_print(setup->why, sizeof(setup->why), "%s: %s", what, strerror(-rc));
}

/* Check whether sockets can use real source addresses, and route answers with the mark back. */
static void prepare_answers(struct netlink *nl, int i, struct source_setup *setup)
{
	int rc = try_transparent(families[i]);

	/* A network without IPv6 needs no preparation for it. */
	if (rc == -EAFNOSUPPORT)
		return;
	note(setup, "IP_TRANSPARENT", rc);
	if (rc == 0) {
		rc = add_route(nl, families[i]);
		note(setup, "adding a routing table", rc);
	}
	if (rc == 0) {
		rc = add_mark_rule(nl, families[i]);
		note(setup, "adding a routing rule", rc);
	}
	setup->real[i] = rc == 0;
}

/* Let accepted sockets inherit the mark; the sysctl is for both families. If /proc/sys is
 * read-only, only networks without a default route are affected: see nft.c. */
static void prepare_accept(void)
{
	_cleanup_close_ int fd = open("/proc/sys/net/ipv4/tcp_fwmark_accept", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || fd_write_all(fd, "1", 1) < 0)
		log_debug("net.ipv4.tcp_fwmark_accept: %s", strerror(errno));
}

static void prepare_proxy(struct netlink *nl, int i, struct source_setup *setup)
{
	union endpoint *proxy = &setup->proxy[i];

	if (proxy->sa.sa_family == AF_UNSPEC)
		*proxy = interface_address(families[i]);
	if (proxy->sa.sa_family != AF_UNSPEC)
		return;
	(void)endpoint_of(families[i] == AF_INET6 ? PROXY6 : PROXY4, 0, proxy);
	if (add_address(nl, proxy) < 0)
		proxy->sa.sa_family = AF_UNSPEC;
}

struct job {
	struct source_setup setup;
	bool transparent;
	int route; /* the netlink socket, for the launcher */
};

/* ns_job.run */
static int prepare_inside(void *arg, struct error *err)
{
	struct job *job = arg;
	_cleanup_netlink_ struct netlink nl = NETLINK_NONE;
	int rc = netlink_open(NETLINK_ROUTE, SETUP_MS, &nl, err);

	if (rc < 0)
		return rc;
	job->setup.netns_cookie = socket_netns_cookie(nl.fd);
	for (int i = 0; i < SOURCE_FAMILIES; i++)
		prepare_proxy(&nl, i, &job->setup);
	for (int i = 0; i < SOURCE_FAMILIES && job->transparent; i++)
		prepare_answers(&nl, i, &job->setup);
	if (job->transparent)
		prepare_accept();
	job->route = TAKE_FD(nl.fd);
	return 0;
}

int source_prepare(const struct ns_set *ns, const struct port_net *net, bool transparent,
		   int cancel_fd, struct source_setup *ret, struct netlink *ret_route,
		   struct error *err)
{
	struct job job = {.transparent = transparent, .route = -1};
	struct ns_job run = {
		.name = "fauxroot: netns",
		.which = NS_JOIN_NET,
		.run = prepare_inside,
		.arg = &job,
		.out = &job.setup,
		.out_size = sizeof(job.setup),
		.fds = &job.route,
		.n_fds = 1,
	};
	struct deadline deadline = deadline_in(SETUP_MS);
	int rc;

	job.setup.proxy[SOURCE_IPV4] = net->address;
	job.setup.proxy[SOURCE_IPV6] = net->address6;
	rc = ns_run(ns, &run, &deadline, cancel_fd, err);
	if (rc < 0)
		return rc;
	job.setup.why[sizeof(job.setup.why) - 1] = '\0';
	*ret = job.setup;
	*ret_route = netlink_of(job.route, SETUP_MS);
	return 0;
}

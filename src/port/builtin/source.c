/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * With IP_TRANSPARENT (man 7 ip) a socket in the child may connect from an address that is not the
 * child's: the real client's. What is left to do is to lead the target's answers back into that
 * socket instead of out of the child's network. Answers that may be ours look up a routing table of
 * their own, in which every destination is local:
 *
 * - answers from a loopback address: a rule on their source. Nothing else can be answered from one.
 *   Where DNAT has led the connection elsewhere, its answers get their source back too late for
 * that.
 * - all others: a rule on a mark. Connection tracking carries it from our packets to their answers,
 *   through bridges and DNAT, where nftables is there to tell it so.
 * - without nftables, answers from the child's own address: our sockets carry the mark themselves,
 *   and the target's accepted sockets take it over (net.ipv4.tcp_fwmark_accept). A marked socket
 *   through DNAT would find itself, so it is the second choice.
 *
 * Servers trust 127.0.0.1. So a remote client whose address cannot be kept comes from the child's
 * interface; a network that has no such address (--net=none, or one without IPv6) gets one on lo.
 */
#include "source.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/base/spawn.h"
#include "fauxroot/base/str.h"
#include "fauxroot/port/port.h"
#include "fauxroot/sys/netlink.h"
#include "fauxroot/sys/ns.h"
#include "protocol.h"

#define SETUP_MS 5000

/* IPv4's dummy address (RFC 7600), and one like those that IPv6 networks of ours have. */
#define PROXY4 "192.0.0.8"
#define PROXY6 "fd00::100"

#ifndef IPV6_TRANSPARENT
#define IPV6_TRANSPARENT 75
#endif

static const int families[SOURCE_FAMILIES] = {AF_INET, AF_INET6};

/* There already: as good as made. */
static int made(int rc)
{
	return rc == -EEXIST ? 0 : rc;
}

/* ip [-6] rule add [from SOURCE/PREFIX] [fwmark MARK] lookup TABLE */
static int add_rule(struct netlink *nl, int family, const void *source, uint8_t prefix,
		    uint32_t mark)
{
	const struct fib_rule_hdr rule = {
		.family = (uint8_t)family,
		.src_len = prefix,
		.action = FR_ACT_TO_TBL,
	};
	struct netlink_request r;

	netlink_clear(&r);
	netlink_begin(&r, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, &rule, sizeof(rule));
	netlink_put_u32(&r, FRA_TABLE, SOURCE_TABLE);
	if (source)
		netlink_put(&r, FRA_SRC, source, family == AF_INET ? 4 : 16);
	if (mark)
		netlink_put_u32(&r, FRA_FWMARK, mark);
	return made(netlink_transact(nl, &r, "adding a routing rule", NULL));
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
	return made(netlink_transact(nl, &r, "adding a routing table", NULL));
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
	return made(netlink_transact(nl, &r, "adding an address", NULL));
}

/* The first address of @family on an interface that is not loopback nor link-local. */
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

/* May a socket be bound to an address that is not ours, of the range for documentation? */
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

/* Real sources towards loopback addresses. */
static void prepare_loopback(struct netlink *nl, int i, struct source_setup *setup)
{
	static const struct in6_addr loopback6 = IN6ADDR_LOOPBACK_INIT;
	static const uint8_t loopback4[4] = {127};
	bool ipv6 = families[i] == AF_INET6;
	int rc = try_transparent(families[i]);

	/* A network without IPv6 at all needs none of it, and nobody misses it. */
	if (rc == -EAFNOSUPPORT)
		return;
	note(setup, "IP_TRANSPARENT", rc);
	if (rc == 0) {
		rc = add_route(nl, families[i]);
		note(setup, "adding a routing table", rc);
	}
	if (rc == 0) {
		rc = add_rule(nl, families[i], ipv6 ? (const void *)&loopback6 : loopback4,
			      ipv6 ? 128 : 8, 0);
		note(setup, "adding a routing rule", rc);
	}
	setup->loopback[i] = rc == 0;
}

/* Answers with the mark; the table is there. */
static void prepare_mark(struct netlink *nl, int i, struct source_setup *setup)
{
	int rc;

	if (!setup->loopback[i])
		return;
	rc = add_rule(nl, families[i], NULL, 0, SOURCE_MARK);
	note(setup, "adding a routing rule", rc);
	setup->mark[i] = rc == 0;
}

/* Accepted sockets take over the mark, of both families. */
static bool prepare_accept(void)
{
	_cleanup_close_ int fd = open("/proc/sys/net/ipv4/tcp_fwmark_accept", O_WRONLY | O_CLOEXEC);

	return fd >= 0 && fd_write_all(fd, "1", 1) == 0;
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
	if (job->transparent) {
		for (int i = 0; i < SOURCE_FAMILIES; i++) {
			prepare_loopback(&nl, i, &job->setup);
			prepare_mark(&nl, i, &job->setup);
		}
		job->setup.accept = prepare_accept();
	}
	return 0;
}

int source_prepare(const struct ns_set *ns, const struct port_net *net, bool transparent,
		   int cancel_fd, struct source_setup *ret, struct error *err)
{
	struct job job = {.transparent = transparent};
	struct ns_job run = {
		.name = "fauxroot: netns",
		.which = NS_JOIN_NET,
		.run = prepare_inside,
		.arg = &job,
		.out = &job.setup,
		.out_size = sizeof(job.setup),
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
	return 0;
}

/*
 * The mark goes to connections from addresses that are not the child's, which only we make; from
 * there to their answers, whether those are forwarded to us (prerouting) or made here (output: of
 * type route, so that the new mark is looked up).
 */
static const char ruleset[] =
	"add table inet fauxroot;"
	"flush table inet fauxroot;"
	"add chain inet fauxroot out { type route hook output priority mangle; };"
	"add chain inet fauxroot in { type filter hook prerouting priority mangle; };"
	"add rule inet fauxroot out ct direction original fib saddr type != local "
	"ct mark set 0x6661;"
	"add rule inet fauxroot out ct direction reply ct mark 0x6661 meta mark set 0x6661;"
	"add rule inet fauxroot in ct direction reply ct mark 0x6661 meta mark set 0x6661";
static_assert(SOURCE_MARK == 0x6661, "the rules name the mark");

/* ns_job.run */
static int run_nft(void *arg, struct error *err)
{
	const char *argv[] = {"nft", ruleset, NULL};
	struct helper_spec spec = {.argv = argv, .role = "nft"};
	struct helper nft = HELPER_NONE;
	struct deadline deadline = deadline_in(SETUP_MS);
	int status, rc = helper_start(&nft, &spec, err);

	(void)arg;
	if (rc == 0)
		rc = helper_finish(&nft, 1, &deadline, -1, &status, err);
	if (rc == 0 && status != 0)
		rc = err_say(err, EIO, "nft: %s", nft.text);
	helper_stop(&nft);
	return rc;
}

int source_prepare_tracking(const struct ns_set *ns, int cancel_fd, struct error *err)
{
	struct ns_job run = {
		.name = "fauxroot: netns",
		.which = NS_JOIN_NET,
		.run = run_nft,
	};
	struct deadline deadline = deadline_in(INT64_C(2) * SETUP_MS);

	return ns_run(ns, &run, &deadline, cancel_fd, err);
}

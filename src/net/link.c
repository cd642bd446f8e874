/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/net/link.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"
#include "fauxroot/base/str.h"
#include "fauxroot/net/net.h"
#include "fauxroot/sys/netlink.h"

#define ANSWER_MS 5000

/* Bring a link up; @mtu 0: do not change its MTU. */
static int set_up(struct netlink *nl, const char *ifname, unsigned mtu, struct error *err)
{
	const struct ifinfomsg info = {.ifi_flags = IFF_UP, .ifi_change = IFF_UP};
	struct netlink_request r;

	netlink_clear(&r);
	netlink_begin(&r, RTM_NEWLINK, 0, &info, sizeof(info));
	netlink_put_string(&r, IFLA_IFNAME, ifname);
	if (mtu > 0)
		netlink_put_u32(&r, IFLA_MTU, mtu);
	return netlink_transact(nl, &r, "bringing the link up", err);
}

/* An address with its network's prefix; the kernel adds the route to that network. */
struct address {
	unsigned char family;
	unsigned char prefix;
	const void *local;
	size_t size;
	const struct in_addr *broadcast; /* NULL with IPv6 */
};

static int add_address(struct netlink *nl, unsigned index, const struct address *address,
		       struct error *err)
{
	const struct ifaddrmsg info = {
		.ifa_family = address->family,
		.ifa_prefixlen = address->prefix,
		/* No other host is on this link. Without duplicate address detection the address is
		 * usable at once, not after a second (RFC 4862, section 5.4). */
		.ifa_flags = address->family == AF_INET6 ? IFA_F_NODAD : 0,
		.ifa_scope = RT_SCOPE_UNIVERSE,
		.ifa_index = index,
	};
	struct netlink_request r;

	netlink_clear(&r);
	netlink_begin(&r, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &info, sizeof(info));
	netlink_put(&r, IFA_LOCAL, address->local, address->size);
	netlink_put(&r, IFA_ADDRESS, address->local, address->size);
	if (address->broadcast)
		netlink_put(&r, IFA_BROADCAST, address->broadcast, sizeof(*address->broadcast));
	return netlink_transact(nl, &r, "setting the address", err);
}

static int add_default_route(struct netlink *nl, unsigned index, unsigned char family,
			     const void *gateway, size_t size, struct error *err)
{
	const struct rtmsg info = {
		.rtm_family = family,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_STATIC,
		.rtm_scope = RT_SCOPE_UNIVERSE,
		.rtm_type = RTN_UNICAST,
	};
	struct netlink_request r;

	netlink_clear(&r);
	netlink_begin(&r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, &info, sizeof(info));
	netlink_put(&r, RTA_GATEWAY, gateway, size);
	netlink_put_u32(&r, RTA_OIF, index);
	return netlink_transact(nl, &r, "setting the default route", err);
}

int link_up_loopback(struct error *err)
{
	_cleanup_netlink_ struct netlink nl = NETLINK_NONE;
	int rc = netlink_open(NETLINK_ROUTE, ANSWER_MS, &nl, err);

	if (rc == 0)
		rc = set_up(&nl, "lo", 0, err);
	if (rc < 0)
		return err_step(err, err_wrap(err, rc, "configuring lo"), STEP_NET);
	return 0;
}

static int configure_ipv4(struct netlink *nl, unsigned index, const struct net_plan *plan,
			  struct error *err)
{
	struct in_addr mask = {htonl(~0U << (32 - plan->prefix))};
	struct in_addr broadcast = {plan->address.s_addr | ~mask.s_addr};
	const struct address address = {
		.family = AF_INET,
		.prefix = (unsigned char)plan->prefix,
		.local = &plan->address,
		.size = sizeof(plan->address),
		.broadcast = &broadcast,
	};
	int rc = add_address(nl, index, &address, err);

	if (rc < 0)
		return rc;
	return add_default_route(nl, index, AF_INET, &plan->gateway, sizeof(plan->gateway), err);
}

static int configure_ipv6(struct netlink *nl, unsigned index, const struct net_plan *plan,
			  struct error *err)
{
	const struct address address = {
		.family = AF_INET6,
		.prefix = 64,
		.local = &plan->address6,
		.size = sizeof(plan->address6),
	};
	int rc = add_address(nl, index, &address, err);

	if (rc == 0)
		rc = add_default_route(nl, index, AF_INET6, &plan->gateway6, sizeof(plan->gateway6),
				       err);
	return rc < 0 ? err_wrap(err, rc, "IPv6") : 0;
}

/*
 * Services of the host listen at an address of lo, so the network's helper never sees it. 127.0.0.1
 * is not enough: containers behind a bridge in this network cannot reach it.
 */
static int configure_host(struct netlink *nl, const struct net_plan *plan, struct error *err)
{
	const struct address address = {AF_INET, 32, &plan->host, sizeof(plan->host), NULL};
	const struct address address6 = {AF_INET6, 128, &plan->host6, sizeof(plan->host6), NULL};
	unsigned index = if_nametoindex("lo");
	int rc = index == 0 ? err_set(err, errno, "finding lo") : 0;

	if (rc == 0)
		rc = add_address(nl, index, &address, err);
	if (rc == 0 && plan->ipv6)
		rc = add_address(nl, index, &address6, err);
	return rc;
}

int link_configure(const struct net_plan *plan, struct error *err)
{
	_cleanup_netlink_ struct netlink nl = NETLINK_NONE;
	unsigned index = if_nametoindex(plan->ifname);
	int rc;

	if (index == 0)
		return err_step(err, err_set(err, errno, "configuring %s", plan->ifname), STEP_NET);
	rc = netlink_open(NETLINK_ROUTE, ANSWER_MS, &nl, err);
	if (rc == 0)
		rc = set_up(&nl, plan->ifname, plan->mtu, err);
	if (rc == 0)
		rc = configure_ipv4(&nl, index, plan, err);
	if (rc == 0 && plan->ipv6)
		rc = configure_ipv6(&nl, index, plan, err);
	if (rc == 0 && plan->has_host)
		rc = configure_host(&nl, plan, err);
	if (rc < 0)
		return err_step(err, err_wrap(err, rc, "configuring %s", plan->ifname), STEP_NET);
	return 0;
}

/* The most bytes of the algorithm's name that are read. */
#define WORD_MAX 32

void link_choose_congestion_control(void)
{
	static const char path[] = "/proc/sys/net/ipv4/tcp_congestion_control";
	_cleanup_close_ int fd = open(path, O_RDWR | O_CLOEXEC);
	char word[WORD_MAX + 1] = "";

	if (fd < 0 || pread(fd, word, WORD_MAX, 0) <= 0 || !str_after(word, "bbr"))
		return;
	if (pwrite(fd, "reno", 4, 0) < 0)
		log_debug("writing %s: %s", path, strerror(errno));
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "routes.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <string.h>

#include "fauxroot/base/err.h"
#include "fauxroot/config/portspec.h"
#include "fauxroot/sys/netlink.h"

struct route {
	unsigned char type; /* RTN_… */
	bool gateway;
	unsigned device;
};

/* netlink_query() */
static int take_route(const struct nlmsghdr *message, void *arg)
{
	struct netlink_span rest = netlink_attributes(message, sizeof(struct rtmsg));
	const struct rtmsg *header = NLMSG_DATA(message);
	struct netlink_attribute attribute;
	struct route *route = arg;

	if (message->nlmsg_type != RTM_NEWROUTE ||
	    message->nlmsg_len < NLMSG_LENGTH(sizeof(*header)))
		return -EPROTO;
	route->type = header->rtm_type;
	while (netlink_next_attribute(&rest, &attribute)) {
		if (attribute.type == RTA_GATEWAY || attribute.type == RTA_VIA)
			route->gateway = true;
		if (attribute.type == RTA_OIF && attribute.size == sizeof(uint32_t))
			memcpy(&route->device, attribute.payload, sizeof(uint32_t));
	}
	return 0;
}

/* @uid: NULL: our own. The protocol and the port are for rules (man 8 ip-rule, Linux 4.17). */
static int get_route(struct netlink *net, const union endpoint *to, const uid_t *uid,
		     struct route *ret)
{
	bool ipv6 = to->sa.sa_family == AF_INET6;
	const struct rtmsg header = {
		.rtm_family = (unsigned char)to->sa.sa_family,
		.rtm_dst_len = ipv6 ? 128 : 32,
	};
	const uint8_t protocol = IPPROTO_TCP;
	struct netlink_request request;

	memset(ret, 0, sizeof(*ret));
	netlink_clear(&request);
	netlink_begin(&request, RTM_GETROUTE, 0, &header, sizeof(header));
	if (ipv6)
		netlink_put(&request, RTA_DST, &to->in6.sin6_addr, sizeof(to->in6.sin6_addr));
	else
		netlink_put(&request, RTA_DST, &to->in.sin_addr, sizeof(to->in.sin_addr));
	if (uid)
		netlink_put_u32(&request, RTA_UID, *uid);
	netlink_put(&request, RTA_IP_PROTO, &protocol, sizeof(protocol));
	netlink_put(&request, RTA_DPORT, ipv6 ? &to->in6.sin6_port : &to->in.sin_port,
		    sizeof(in_port_t));
	return netlink_query(net, &request, take_route, ret, "finding a route", NULL);
}

enum left routes_inside(struct netlink *net, unsigned device, const union endpoint *to, uid_t uid)
{
	struct route route;

	if (get_route(net, to, &uid, &route) < 0 || route.type != RTN_UNICAST || !route.gateway ||
	    route.device != device)
		return LEFT_INSIDE;
	return LEFT_NOT;
}

enum left routes_outside(struct netlink *net, const union endpoint *to, unsigned *ret_device)
{
	struct route route;

	if (get_route(net, to, NULL, &route) < 0 || route.type != RTN_UNICAST || route.device == 0)
		return LEFT_HOST;
	*ret_device = route.device;
	return LEFT_NOT;
}

static int take_link(const struct nlmsghdr *message, void *arg)
{
	const struct ifinfomsg *header = NLMSG_DATA(message);
	unsigned *index = arg;

	if (message->nlmsg_type != RTM_NEWLINK ||
	    message->nlmsg_len < NLMSG_LENGTH(sizeof(*header)) || header->ifi_index <= 0)
		return -EPROTO;
	*index = (unsigned)header->ifi_index;
	return 0;
}

int routes_device(struct netlink *net, const char *name, unsigned *ret, struct error *err)
{
	const struct ifinfomsg header = {.ifi_family = AF_UNSPEC};
	struct netlink_request request;

	netlink_clear(&request);
	netlink_begin(&request, RTM_GETLINK, 0, &header, sizeof(header));
	netlink_put_string(&request, IFLA_IFNAME, name);
	return netlink_query(net, &request, take_link, ret, "finding the command's network device",
			     err);
}

/* The addresses of the root name servers A and K stand for any address of the internet. */
bool routes_usable(struct netlink *net)
{
	union endpoint to;
	unsigned device;

	return (endpoint_of("198.41.0.4", 443, &to) == 0 &&
		routes_outside(net, &to, &device) == LEFT_NOT) ||
	       (endpoint_of("2001:7fd::1", 443, &to) == 0 &&
		routes_outside(net, &to, &device) == LEFT_NOT);
}

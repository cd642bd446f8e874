/* SPDX-License-Identifier: Apache-2.0 */
#include "onlink.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/sys/netlink.h"

/* The maximum number of reports to discard at a time. */
#define REPORTS_MAX 64

struct networks {
	struct nft_network *items;
	size_t n;
};

static bool is_link_local(const struct nft_network *network)
{
	return network->family == AF_INET6 && network->address[0] == 0xfe &&
	       (network->address[1] & 0xc0) == 0x80;
}

/* Fill in @network from the attributes of a route. Returns whether it is directly on the link. */
static bool read_route(const struct nlmsghdr *message, struct nft_network *network)
{
	struct netlink_span rest = netlink_attributes(message, sizeof(struct rtmsg));
	size_t size = network->family == AF_INET6 ? 16 : 4;
	struct netlink_attribute attribute;
	bool gateway = false, destination = false;

	while (netlink_next_attribute(&rest, &attribute)) {
		if (attribute.type == RTA_DST && attribute.size == size) {
			memcpy(network->address, attribute.payload, size);
			destination = true;
		} else if (attribute.type == RTA_OIF &&
			   attribute.size == sizeof(network->ifindex)) {
			memcpy(&network->ifindex, attribute.payload, sizeof(network->ifindex));
		} else if (attribute.type == RTA_GATEWAY || attribute.type == RTA_VIA) {
			gateway = true;
		}
	}
	return destination && !gateway && network->ifindex > 0 && !is_link_local(network);
}

/* Called with each route of a dump. */
static int take_route(const struct nlmsghdr *message, void *arg)
{
	struct networks *networks = arg;
	struct nft_network network = {0};
	struct rtmsg route;

	if (message->nlmsg_type != RTM_NEWROUTE || message->nlmsg_len < NLMSG_LENGTH(sizeof(route)))
		return -EPROTO;
	memcpy(&route, NLMSG_DATA(message), sizeof(route));
	network.family = route.rtm_family;
	network.prefix = route.rtm_dst_len;
	if (route.rtm_table != RT_TABLE_MAIN || route.rtm_type != RTN_UNICAST ||
	    (network.family != AF_INET && network.family != AF_INET6) ||
	    !read_route(message, &network))
		return 0;
	if (networks->n == NFT_NETWORKS_MAX)
		return -E2BIG;
	networks->items[networks->n++] = network;
	return 0;
}

int onlink_list(struct netlink *nl, struct nft_network *ret, size_t *ret_n, struct error *err)
{
	static const unsigned char families[] = {AF_INET, AF_INET6};
	struct networks networks = {.items = ret};
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(families) && rc == 0; i++) {
		const struct rtmsg all = {.rtm_family = families[i]};
		struct netlink_request r;

		netlink_clear(&r);
		netlink_begin(&r, RTM_GETROUTE, NLM_F_DUMP, &all, sizeof(all));
		rc = netlink_query(nl, &r, take_route, &networks, "listing the child's routes",
				   err);
		/* The kernel has no IPv6. */
		if (rc == -EOPNOTSUPP || rc == -EAFNOSUPPORT)
			rc = 0;
	}
	*ret_n = networks.n;
	if (rc == -E2BIG)
		return err_say(err, E2BIG, "there are more than %d networks", NFT_NETWORKS_MAX);
	return rc;
}

int onlink_watch(const struct netlink *nl)
{
	static const int groups[] = {RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE};

	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		if (setsockopt(nl->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i],
			       sizeof(groups[i])) < 0)
			return -errno;
	return 0;
}

void onlink_drain(const struct netlink *nl)
{
	_Alignas(NLMSG_ALIGNTO) unsigned char buffer[NETLINK_BUFFER_SIZE];

	for (int i = 0; i < REPORTS_MAX && netlink_receive(nl, buffer) != -EAGAIN; i++)
		;
}

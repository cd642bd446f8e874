/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The table in the syntax of nft(8):
 *
 *	table inet fauxroot {
 *		chain out {
 *			type route hook output priority mangle;
 *			ct direction original fib saddr type != local ct mark set 0x6661
 *			ct direction reply ct mark 0x6661 meta mark set 0x6661
 *		}
 *		chain in {
 *			type filter hook prerouting priority mangle;
 *			ct mark 0x6661 meta mark set 0x6661
 *		}
 *		chain post {
 *			type nat hook postrouting priority srcnat + 1;
 *			ct mark 0x6661 oif INDEX ip saddr NETWORK masquerade
 *		}
 *	}
 *
 * The mark is set on connections from addresses that are not the child's; only we make such
 * connections. The mark is copied from the connection to the answers. Answers are forwarded to us
 * (chain in, prerouting), or sent by a server in this namespace (chain out; its type is route, so
 * that the kernel routes the packet again with the new mark). Our own packets for a server of this
 * namespace arrive over lo. They get the mark, too, and the server's socket inherits it
 * (net.ipv4.tcp_fwmark_accept). So the answer has the mark before it is routed; without the mark
 * there may be no route at all (--net=none).
 */
#include "nft.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <sys/socket.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/base/str.h"
#include "fauxroot/sys/netlink.h"
#include "fauxroot/sys/nftables.h"
#include "source.h"

/* NF_IP_PRI_MANGLE, and NF_IP_PRI_NAT_SRC + 1: after the target's own source NAT rules. */
#define PRIORITY_MANGLE	    (-150)
#define PRIORITY_AFTER_SNAT 101

/* The number of network rules that fit into one request. */
#define NETWORKS_A_BATCH 24

enum { DIRECTION_ORIGINAL = 0, DIRECTION_REPLY = 1 };

/* ---- expressions ---- */

static void load_source_type(struct netlink_request *r)
{
	struct nftables_expression e = nftables_begin_expression(r, "fib");

	netlink_put_be32(r, NFTA_FIB_DREG, NFT_REG_1);
	netlink_put_be32(r, NFTA_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
	netlink_put_be32(r, NFTA_FIB_FLAGS, NFTA_FIB_F_SADDR);
	nftables_end_expression(r, e);
}

static void load_source(struct netlink_request *r, bool ipv6)
{
	nftables_load_payload(r, NFT_PAYLOAD_NETWORK_HEADER,
			      (uint32_t)(ipv6 ? offsetof(struct ip6_hdr, ip6_src)
					      : offsetof(struct iphdr, saddr)),
			      ipv6 ? 16 : 4);
}

/* Clear the bits after @prefix in the register. */
static void cut_to_prefix(struct netlink_request *r, uint8_t prefix, size_t size)
{
	static const uint8_t zero[16];
	struct nftables_expression e = nftables_begin_expression(r, "bitwise");
	uint8_t mask[16] = {0};

	for (size_t bit = 0; bit < prefix && bit < size * 8; bit++)
		mask[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	netlink_put_be32(r, NFTA_BITWISE_SREG, NFT_REG_1);
	netlink_put_be32(r, NFTA_BITWISE_DREG, NFT_REG_1);
	netlink_put_be32(r, NFTA_BITWISE_LEN, (uint32_t)size);
	nftables_put_value(r, NFTA_BITWISE_MASK, mask, size);
	nftables_put_value(r, NFTA_BITWISE_XOR, zero, size);
	nftables_end_expression(r, e);
}

static void is_direction(struct netlink_request *r, uint8_t direction)
{
	nftables_load_ct(r, NFT_CT_DIRECTION);
	nftables_compare(r, NFT_CMP_EQ, &direction, sizeof(direction));
}

static void is_ours(struct netlink_request *r)
{
	static const uint32_t mark = SOURCE_MARK;

	nftables_load_ct(r, NFT_CT_MARK);
	nftables_compare(r, NFT_CMP_EQ, &mark, sizeof(mark));
}

/* ---- rules ---- */

static void put_marking_rule(struct netlink_request *r, bool by_mark)
{
	static const uint32_t local = RTN_LOCAL, of_socket = SOURCE_SOCKET_MARK;
	size_t rule = nftables_begin_rule(r, NFT_TABLE, "out", 0);

	is_direction(r, DIRECTION_ORIGINAL);
	if (by_mark) {
		nftables_load_meta(r, NFT_META_MARK);
		nftables_compare(r, NFT_CMP_EQ, &of_socket, sizeof(of_socket));
	} else {
		load_source_type(r);
		nftables_compare(r, NFT_CMP_NEQ, &local, sizeof(local));
	}
	nftables_load_number(r, SOURCE_MARK);
	nftables_store_ct(r, NFT_CT_MARK);
	nftables_end_rule(r, rule);
}

/* The rule of the chain out, for answers of servers in this namespace, or of the chain in. */
static void put_mark_rule(struct netlink_request *r, bool out, uint16_t flags)
{
	size_t rule = nftables_begin_rule(r, NFT_TABLE, out ? "out" : "in", flags);

	if (out)
		is_direction(r, DIRECTION_REPLY);
	is_ours(r);
	nftables_load_number(r, SOURCE_MARK);
	nftables_store_meta(r, NFT_META_MARK);
	nftables_end_rule(r, rule);
}

static void put_network_rule(struct netlink_request *r, const struct nft_network *network,
			     uint16_t flags)
{
	bool ipv6 = network->family == AF_INET6;
	size_t size = ipv6 ? 16 : 4, rule = nftables_begin_rule(r, NFT_TABLE, "post", flags);

	nftables_is_family(r, ipv6);
	is_ours(r);
	nftables_load_meta(r, NFT_META_OIF);
	nftables_compare(r, NFT_CMP_EQ, &network->ifindex, sizeof(network->ifindex));
	load_source(r, ipv6);
	cut_to_prefix(r, network->prefix, size);
	nftables_compare(r, NFT_CMP_EQ, network->address, size);
	nftables_end_expression(r, nftables_begin_expression(r, "masq"));
	nftables_end_rule(r, rule);
}

int nft_make(struct netlink *nl, const struct nftables_table *table, bool by_mark,
	     struct error *err)
{
	struct netlink_request r;

	netlink_clear(&r);
	nftables_begin_table(&r, table, 0);
	nftables_put_chain(&r, NFT_TABLE, "out", "route", NF_INET_LOCAL_OUT, PRIORITY_MANGLE);
	nftables_put_chain(&r, NFT_TABLE, "in", "filter", NF_INET_PRE_ROUTING, PRIORITY_MANGLE);
	put_marking_rule(&r, by_mark);
	put_mark_rule(&r, true, 0);
	put_mark_rule(&r, false, NLM_F_ACK);
	nftables_end_batch(&r);
	return netlink_transact(nl, &r, "creating the nf_tables table of published ports", err);
}

int nft_set_networks(struct netlink *nl, const struct nft_network *networks, size_t n,
		     struct error *err)
{
	struct netlink_request r;
	size_t i = 0;
	int rc;

	do {
		netlink_clear(&r);
		nftables_begin_batch(&r);
		if (i == 0) {
			nftables_put_chain(&r, NFT_TABLE, "post", "nat", NF_INET_POST_ROUTING,
					   PRIORITY_AFTER_SNAT);
			nftables_begin_message(&r, NFT_MSG_DELRULE, n == 0 ? NLM_F_ACK : 0);
			netlink_put_string(&r, NFTA_RULE_TABLE, NFT_TABLE);
			netlink_put_string(&r, NFTA_RULE_CHAIN, "post");
		}
		for (size_t end = MIN(n, i + NETWORKS_A_BATCH); i < end; i++)
			put_network_rule(&r, &networks[i], i == end - 1 ? NLM_F_ACK : 0);
		nftables_end_batch(&r);
		rc = netlink_transact(nl, &r, "masquerading clients of the child's networks", err);
	} while (rc == 0 && i < n);
	return rc;
}

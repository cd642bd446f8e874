/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A name server in the command's network (dnsmasq, CoreDNS) binds port 53 of the wildcard address.
 * That fails if any address has a socket at port 53. So our sockets are at another port, and the
 * table exchanges the ports, in the syntax of nft(8), and likewise for tcp and for IPv6:
 *
 *	table inet fauxroot-names {
 *		chain in {
 *			type filter hook prerouting priority raw;
 *			ip daddr ADDRESS udp dport 53 notrack udp dport set PORT
 *		}
 *		chain out {
 *			type filter hook output priority raw;
 *			ip daddr ADDRESS udp dport 53 notrack udp dport set PORT
 *			ip saddr ADDRESS udp sport PORT notrack udp sport set 53
 *		}
 *	}
 *
 * The chain "in" is for containers behind a bridge. The kernel's NAT is not used: it would keep an
 * entry for each query for half a minute. With 10,000 queries a second its table overflows, and
 * then the whole network of the command loses packets. An exchange of ports needs no memory, so the
 * packets are not tracked at all.
 *
 * For how the table stays, see proc/kept_table.c.
 */
#include "table.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <stddef.h>

#include "fauxroot/base/err.h"
#include "fauxroot/sys/netlink.h"
#include "fauxroot/sys/nftables.h"

#define TABLE "fauxroot-names"

/* NF_IP_PRI_RAW: before connections are tracked. */
#define PRIORITY_RAW (-300)

/* One rule: packets with @address and @old are not tracked, and get the port @new instead. */
struct exchange {
	const char *chain;
	const void *address; /* of 4 or 16 bytes */
	bool ipv6, udp;
	bool source; /* address and port are the source's; false: the destination's */
	in_port_t old, new;
};

static void load_address(struct netlink_request *r, const struct exchange *x)
{
	uint32_t v4 = x->source ? offsetof(struct iphdr, saddr) : offsetof(struct iphdr, daddr);
	uint32_t v6 =
		x->source ? offsetof(struct ip6_hdr, ip6_src) : offsetof(struct ip6_hdr, ip6_dst);

	nftables_load_payload(r, NFT_PAYLOAD_NETWORK_HEADER, x->ipv6 ? v6 : v4, x->ipv6 ? 16 : 4);
}

static void put_exchange(struct netlink_request *r, const struct exchange *x, uint16_t flags)
{
	size_t rule = nftables_begin_rule(r, TABLE, x->chain, flags);

	nftables_is_family(r, x->ipv6);
	load_address(r, x);
	nftables_compare(r, NFT_CMP_EQ, x->address, x->ipv6 ? 16 : 4);
	nftables_is_protocol(r, x->udp ? IPPROTO_UDP : IPPROTO_TCP);
	/* TCP and UDP have both ports at the same offsets. */
	nftables_load_payload(r, NFT_PAYLOAD_TRANSPORT_HEADER, x->source ? 0 : 2, 2);
	nftables_compare(r, NFT_CMP_EQ, &x->old, sizeof(x->old));
	nftables_end_expression(r, nftables_begin_expression(r, "notrack"));
	nftables_load_bytes(r, &x->new, sizeof(x->new));
	nftables_store_port(r, x->source, x->udp);
	nftables_end_rule(r, rule);
}

/* The rules for one address. The last of all rules requests the acknowledgement. */
static void put_address(struct netlink_request *r, const void *address, bool ipv6, in_port_t port,
			bool is_last)
{
	for (int udp = 0; udp < 2; udp++) {
		struct exchange x = {
			.chain = "in",
			.address = address,
			.ipv6 = ipv6,
			.udp = udp,
			.old = htons(NAMES_PORT),
			.new = port,
		};

		put_exchange(r, &x, 0);
		x.chain = "out";
		put_exchange(r, &x, 0);
		x.source = true;
		x.old = port;
		x.new = htons(NAMES_PORT);
		put_exchange(r, &x, is_last && udp ? NLM_F_ACK : 0);
	}
}

/* kept_table_ops.make */
static int make(void *arg, struct netlink *nl, const struct nftables_table *wanted,
		struct error *err)
{
	const struct table *table = arg;
	const struct names_at *at = &table->at;
	in_port_t port = htons(table->port);
	struct netlink_request r;

	netlink_clear(&r);
	nftables_begin_table(&r, wanted, 0);
	nftables_put_chain(&r, TABLE, "in", "filter", NF_INET_PRE_ROUTING, PRIORITY_RAW);
	nftables_put_chain(&r, TABLE, "out", "filter", NF_INET_LOCAL_OUT, PRIORITY_RAW);
	put_address(&r, &at->address, false, port, !at->ipv6);
	if (at->ipv6)
		put_address(&r, &at->address6, true, port, true);
	nftables_end_batch(&r);
	return netlink_transact(nl, &r, "creating the nf_tables table of the name service", err);
}

static const struct kept_table_ops ops = {.name = TABLE, .make = make};

int table_make(struct table *table, const int *fds, const struct names_at *at, uint16_t port,
	       struct error *err)
{
	table->at = *at;
	table->port = port;
	return kept_table_make(fds, &ops, table, &table->kept, err);
}

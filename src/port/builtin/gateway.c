/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * People know the gateway's address, 10.0.2.2, as that of the host. It cannot be put on lo, as the
 * address for containers is: everything for it would be local then. So a table leads only the ports
 * of services to the address for containers, in the syntax of nft(8), for each service:
 *
 *	table inet fauxroot-host {
 *		flags owner
 *		chain in {
 *			type nat hook prerouting priority dstnat;
 *			ip daddr GATEWAY tcp dport PORT dnat ip to HOST
 *		}
 *		chain out {
 *			type nat hook output priority dstnat;
 *			ip daddr GATEWAY tcp dport PORT dnat ip to HOST
 *		}
 *	}
 *
 * The chain "in" is for containers behind a bridge. The table belongs to the launcher's socket, as
 * that of the name service does.
 */
#include "gateway.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <netinet/ip.h>
#include <stddef.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/port/table.h"
#include "fauxroot/sys/nftables.h"
#include "fauxroot/sys/ns.h"

#define TABLE	  "fauxroot-host"
#define OPEN_MS	  5000
#define ANSWER_MS 2000

/* NF_IP_PRI_NAT_DST */
#define PRIORITY_DSTNAT (-100)

static const char *const chains[] = {"in", "out"};

/* An empty table, in place of an older one of ours. */
static int make_table(struct netlink *nl, uint32_t flags, struct error *err)
{
	struct netlink_request r;

	netlink_clear(&r);
	nftables_begin_batch(&r);
	nftables_put_table(&r, TABLE, NFT_MSG_NEWTABLE, NLM_F_CREATE, flags);
	nftables_put_table(&r, TABLE, NFT_MSG_DELTABLE, 0, 0);
	nftables_put_table(&r, TABLE, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_ACK, flags);
	nftables_put_chain(&r, TABLE, "in", "nat", NF_INET_PRE_ROUTING, PRIORITY_DSTNAT);
	nftables_put_chain(&r, TABLE, "out", "nat", NF_INET_LOCAL_OUT, PRIORITY_DSTNAT);
	nftables_end_batch(&r);
	return netlink_transact(nl, &r, "creating the nf_tables table of services of the host",
				err);
}

static int replace_table(struct netlink *nl, struct error *err)
{
	int rc = make_table(nl, NFTABLES_OWNER, err);

	/* Linux before 5.12 does not know owners. */
	return rc == -EINVAL || rc == -EOPNOTSUPP ? make_table(nl, 0, err) : rc;
}

static void put_dnat(struct netlink_request *r, const struct in_addr *to)
{
	struct nftables_expression e;

	nftables_load_bytes(r, to, sizeof(*to));
	e = nftables_begin_expression(r, "nat");
	netlink_put_be32(r, NFTA_NAT_TYPE, NFT_NAT_DNAT);
	netlink_put_be32(r, NFTA_NAT_FAMILY, NFPROTO_IPV4);
	netlink_put_be32(r, NFTA_NAT_REG_ADDR_MIN, NFT_REG_1);
	nftables_end_expression(r, e);
}

static int add_rules(struct netlink *nl, const struct port_net *net, const struct port_spec *spec,
		     struct error *err)
{
	in_port_t port = htons(spec->child_port);
	struct netlink_request r;

	netlink_clear(&r);
	nftables_begin_batch(&r);
	for (size_t i = 0; i < ARRAY_SIZE(chains); i++) {
		size_t rule = nftables_begin_rule(&r, TABLE, chains[i],
						  i + 1 == ARRAY_SIZE(chains) ? NLM_F_ACK : 0);

		nftables_is_family(&r, false);
		nftables_load_payload(&r, NFT_PAYLOAD_NETWORK_HEADER, offsetof(struct iphdr, daddr),
				      sizeof(net->gateway));
		nftables_compare(&r, NFT_CMP_EQ, &net->gateway, sizeof(net->gateway));
		nftables_is_protocol(&r, portspec_is_udp(spec->proto) ? IPPROTO_UDP : IPPROTO_TCP);
		/* The destination port, of TCP and UDP. */
		nftables_load_payload(&r, NFT_PAYLOAD_TRANSPORT_HEADER, 2, sizeof(port));
		nftables_compare(&r, NFT_CMP_EQ, &port, sizeof(port));
		put_dnat(&r, &net->host.in.sin_addr);
		nftables_end_rule(&r, rule);
	}
	nftables_end_batch(&r);
	return netlink_transact(nl, &r, "leading the gateway's address to a service of the host",
				err);
}

/* ns_job.run */
static int open_inside(void *arg, struct error *err)
{
	struct netlink nl = NETLINK_NONE;
	int *ret_fd = arg;
	int rc = netlink_open(NETLINK_NETFILTER, ANSWER_MS, &nl, err);

	if (rc == 0)
		*ret_fd = nl.fd;
	return rc;
}

int gateway_open(struct gateway *gateway, const struct ns_set *ns, int cancel_fd, struct error *err)
{
	struct deadline deadline = deadline_in(OPEN_MS);
	int fd = -1;
	const struct ns_job job = {
		.name = "fauxroot: netns",
		.which = NS_JOIN_NET,
		.run = open_inside,
		.arg = &fd,
		.fds = &fd,
		.n_fds = 1,
	};
	int rc = ns_run(ns, &job, &deadline, cancel_fd, err);

	if (rc < 0)
		return rc;
	gateway->nl = netlink_of(fd, ANSWER_MS);
	rc = replace_table(&gateway->nl, err);
	if (rc < 0)
		gateway_close(gateway);
	return rc;
}

int gateway_add(struct gateway *gateway, const struct ports *ports, const struct port *port,
		struct error *err)
{
	if (gateway->nl.fd < 0 || port->spec.child_ip[0])
		return 0;
	return add_rules(&gateway->nl, &ports->net, &port->spec, err);
}

int gateway_renew(struct gateway *gateway, const struct ports *ports, struct error *err)
{
	int rc = gateway->nl.fd < 0 ? 0 : replace_table(&gateway->nl, err);

	/* A port without a listener is being removed. */
	for (size_t i = 0; i < ports->n && rc == 0; i++)
		if (ports->items[i].listeners[0] >= 0)
			rc = gateway_add(gateway, ports, &ports->items[i], err);
	return rc;
}

void gateway_close(struct gateway *gateway)
{
	netlink_close(&gateway->nl);
}

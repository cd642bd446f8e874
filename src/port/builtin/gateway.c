/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Users know the gateway's address, 10.0.2.2, as the address of the host. Unlike the address for
 * containers, it cannot be an address of lo: then no packet would reach the gateway any more. So a
 * table redirects only the ports of services to the address for containers. In the syntax of
 * nft(8), for each service:
 *
 *	table inet fauxroot-host {
 *		chain in {
 *			type nat hook prerouting priority dstnat;
 *			ip daddr GATEWAY tcp dport PORT dnat ip to HOST
 *			ip6 daddr GATEWAY6 tcp dport PORT dnat ip6 to HOST6
 *		}
 *		chain out {
 *			type nat hook output priority dstnat;
 *			the same
 *		}
 *	}
 *
 * The chain "in" is for containers behind a bridge. proc/kept_table.c restores the table when the
 * command removes it.
 */
#include "gateway.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <stddef.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/log.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/port/table.h"
#include "fauxroot/sys/nftables.h"
#include "fauxroot/sys/ns.h"

#define TABLE	"fauxroot-host"
#define OPEN_MS 5000

/* NF_IP_PRI_NAT_DST */
#define PRIORITY_DSTNAT (-100)

static const char *const chains[] = {"in", "out"};

/* kept_table_ops.make: an empty table. */
static int make_table(void *arg, struct netlink *nl, const struct nftables_table *table,
		      struct error *err)
{
	struct netlink_request r;

	(void)arg;
	netlink_clear(&r);
	nftables_begin_table(&r, table, NLM_F_ACK);
	nftables_put_chain(&r, TABLE, "in", "nat", NF_INET_PRE_ROUTING, PRIORITY_DSTNAT);
	nftables_put_chain(&r, TABLE, "out", "nat", NF_INET_LOCAL_OUT, PRIORITY_DSTNAT);
	nftables_end_batch(&r);
	return netlink_transact(nl, &r, "creating the nf_tables table of services of the host",
				err);
}

/* An address, its size, and the offset of the destination address in a packet. */
struct address {
	const void *bytes;
	size_t size, offset;
};

static struct address address_of(const union endpoint *e)
{
	if (e->sa.sa_family == AF_INET6)
		return (struct address){&e->in6.sin6_addr, sizeof(e->in6.sin6_addr),
					offsetof(struct ip6_hdr, ip6_dst)};
	return (struct address){&e->in.sin_addr, sizeof(e->in.sin_addr),
				offsetof(struct iphdr, daddr)};
}

static void put_dnat(struct netlink_request *r, const union endpoint *to)
{
	struct address address = address_of(to);
	struct nftables_expression e;

	nftables_load_bytes(r, address.bytes, address.size);
	e = nftables_begin_expression(r, "nat");
	netlink_put_be32(r, NFTA_NAT_TYPE, NFT_NAT_DNAT);
	netlink_put_be32(r, NFTA_NAT_FAMILY,
			 to->sa.sa_family == AF_INET6 ? NFPROTO_IPV6 : NFPROTO_IPV4);
	netlink_put_be32(r, NFTA_NAT_REG_ADDR_MIN, NFT_REG_1);
	nftables_end_expression(r, e);
}

static void put_rule(struct netlink_request *r, const char *chain, uint16_t flags,
		     const union endpoint *gateway, const union endpoint *host,
		     const struct port_spec *spec)
{
	size_t rule = nftables_begin_rule(r, TABLE, chain, flags);
	struct address address = address_of(gateway);
	in_port_t port = htons(spec->child_port);

	nftables_is_family(r, gateway->sa.sa_family == AF_INET6);
	nftables_load_payload(r, NFT_PAYLOAD_NETWORK_HEADER, (uint32_t)address.offset,
			      (uint32_t)address.size);
	nftables_compare(r, NFT_CMP_EQ, address.bytes, address.size);
	nftables_is_protocol(r, portspec_is_udp(spec->proto) ? IPPROTO_UDP : IPPROTO_TCP);
	/* The destination port, of TCP and UDP. */
	nftables_load_payload(r, NFT_PAYLOAD_TRANSPORT_HEADER, 2, sizeof(port));
	nftables_compare(r, NFT_CMP_EQ, &port, sizeof(port));
	put_dnat(r, host);
	nftables_end_rule(r, rule);
}

static int add_rules(struct netlink *nl, const struct port_net *net, const struct port_spec *spec,
		     struct error *err)
{
	bool ipv6 = net->gateway6.sa.sa_family != AF_UNSPEC;
	struct netlink_request r;

	netlink_clear(&r);
	nftables_begin_batch(&r);
	for (size_t i = 0; i < ARRAY_SIZE(chains); i++) {
		/* The last rule requests the answer. */
		uint16_t ack = i + 1 == ARRAY_SIZE(chains) ? NLM_F_ACK : 0;

		if (ipv6)
			put_rule(&r, chains[i], 0, &net->gateway6, &net->host6, spec);
		put_rule(&r, chains[i], ack, &net->gateway, &net->host, spec);
	}
	nftables_end_batch(&r);
	return netlink_transact(nl, &r,
				"redirecting the gateway's address to a service of the host", err);
}

/* ns_job.run */
static int open_inside(void *arg, struct error *err)
{
	return kept_table_sockets(arg, err);
}

/* Services with a child IP are not redirected. */
static int add_port(struct gateway *gateway, const struct ports *ports, const struct port *port,
		    struct error *err)
{
	return port->spec.child_ip[0]
		       ? 0
		       : add_rules(&gateway->table.nl, &ports->net, &port->spec, err);
}

static int add_all(struct gateway *gateway, const struct ports *ports, struct error *err)
{
	int rc = 0;

	/* A port without a listener is being removed. */
	for (size_t i = 0; i < ports->n && rc == 0; i++)
		if (ports->items[i].listeners[0] >= 0)
			rc = add_port(gateway, ports, &ports->items[i], err);
	return rc;
}

/* kept_table_ops.restored */
static void on_restored(void *arg)
{
	struct gateway *gateway = arg;
	struct error err = {0};

	if (add_all(gateway, gateway->ports, &err) < 0)
		log_warning("%s", err.text);
}

static const struct kept_table_ops table_ops = {
	.name = TABLE,
	.make = make_table,
	.restored = on_restored,
};

int gateway_open(struct gateway *gateway, const struct ports *ports, struct error *err)
{
	struct deadline deadline = deadline_in(OPEN_MS);
	int fds[KEPT_TABLE_FDS];
	const struct ns_job job = {
		.name = "fauxroot: netns",
		.which = NS_JOIN_NET,
		.run = open_inside,
		.arg = fds,
		.fds = fds,
		.n_fds = KEPT_TABLE_FDS,
	};
	int rc = ns_run(ports->ns, &job, &deadline, ports->cancel_fd, err);

	gateway->ports = ports;
	if (rc == 0)
		rc = kept_table_make(fds, &table_ops, gateway, &gateway->table, err);
	if (rc == 0 && ports->base)
		rc = gateway_supervise(gateway, ports->base, err);
	if (rc < 0)
		gateway_close(gateway);
	return rc;
}

int gateway_supervise(struct gateway *gateway, struct event_base *base, struct error *err)
{
	return kept_table_supervise(&gateway->table, base, err);
}

void gateway_redirect(struct gateway *gateway, const struct ports *ports, const struct port *added)
{
	struct error err = {0};
	int rc;

	if (!gateway->table.ops)
		return;
	rc = added ? add_port(gateway, ports, added, &err)
		   : kept_table_renew(&gateway->table, &err);
	if (rc == 0 && !added)
		rc = add_all(gateway, ports, &err);
	if (rc < 0)
		log_warning("%s", err.text);
}

void gateway_close(struct gateway *gateway)
{
	kept_table_close(&gateway->table);
}

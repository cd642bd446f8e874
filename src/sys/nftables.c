/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/sys/nftables.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>

#include "fauxroot/sys/netlink.h"

/* The most reports that are read at a time: the target can cause any number of them. */
#define REPORTS_MAX 64

static void put_boundary(struct netlink_request *r, uint16_t type)
{
	const struct nfgenmsg header = {
		.nfgen_family = AF_UNSPEC,
		.version = NFNETLINK_V0,
		.res_id = htons(NFNL_SUBSYS_NFTABLES),
	};

	netlink_begin(r, type, 0, &header, sizeof(header));
}

void nftables_begin_batch(struct netlink_request *r)
{
	put_boundary(r, NFNL_MSG_BATCH_BEGIN);
}

void nftables_end_batch(struct netlink_request *r)
{
	put_boundary(r, NFNL_MSG_BATCH_END);
}

void nftables_begin_message(struct netlink_request *r, uint16_t type, uint16_t flags)
{
	const struct nfgenmsg header = {.nfgen_family = NFPROTO_INET, .version = NFNETLINK_V0};

	netlink_begin(r, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), flags, &header,
		      sizeof(header));
}

void nftables_begin_table(struct netlink_request *r, const struct nftables_table *table,
			  uint16_t flags)
{
	nftables_begin_batch(r);
	if (table->replace) {
		nftables_begin_message(r, NFT_MSG_DELTABLE, 0);
		netlink_put_string(r, NFTA_TABLE_NAME, table->name);
	}
	nftables_begin_message(r, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL | flags);
	netlink_put_string(r, NFTA_TABLE_NAME, table->name);
	netlink_put_be32(r, NFTA_TABLE_FLAGS, table->flags);
}

void nftables_put_chain(struct netlink_request *r, const char *table, const char *name,
			const char *type, uint32_t hook, int32_t priority)
{
	size_t nest;

	nftables_begin_message(r, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
	netlink_put_string(r, NFTA_CHAIN_TABLE, table);
	netlink_put_string(r, NFTA_CHAIN_NAME, name);
	netlink_put_string(r, NFTA_CHAIN_TYPE, type);
	nest = netlink_nest(r, NFTA_CHAIN_HOOK);
	netlink_put_be32(r, NFTA_HOOK_HOOKNUM, hook);
	netlink_put_be32(r, NFTA_HOOK_PRIORITY, (uint32_t)priority);
	netlink_nest_end(r, nest);
}

size_t nftables_begin_rule(struct netlink_request *r, const char *table, const char *chain,
			   uint16_t flags)
{
	nftables_begin_message(r, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND | flags);
	netlink_put_string(r, NFTA_RULE_TABLE, table);
	netlink_put_string(r, NFTA_RULE_CHAIN, chain);
	return netlink_nest(r, NFTA_RULE_EXPRESSIONS);
}

void nftables_end_rule(struct netlink_request *r, size_t rule)
{
	netlink_nest_end(r, rule);
}

struct nftables_expression nftables_begin_expression(struct netlink_request *r, const char *name)
{
	struct nftables_expression e = {.element = netlink_nest(r, NFTA_LIST_ELEM)};

	netlink_put_string(r, NFTA_EXPR_NAME, name);
	e.data = netlink_nest(r, NFTA_EXPR_DATA);
	return e;
}

void nftables_end_expression(struct netlink_request *r, struct nftables_expression e)
{
	netlink_nest_end(r, e.data);
	netlink_nest_end(r, e.element);
}

void nftables_put_value(struct netlink_request *r, uint16_t type, const void *value, size_t size)
{
	size_t nest = netlink_nest(r, type);

	netlink_put(r, NFTA_DATA_VALUE, value, size);
	netlink_nest_end(r, nest);
}

void nftables_compare(struct netlink_request *r, uint32_t how, const void *value, size_t size)
{
	struct nftables_expression e = nftables_begin_expression(r, "cmp");

	netlink_put_be32(r, NFTA_CMP_SREG, NFT_REG_1);
	netlink_put_be32(r, NFTA_CMP_OP, how);
	nftables_put_value(r, NFTA_CMP_DATA, value, size);
	nftables_end_expression(r, e);
}

static void access_ct(struct netlink_request *r, uint32_t key, uint16_t reg)
{
	struct nftables_expression e = nftables_begin_expression(r, "ct");

	netlink_put_be32(r, NFTA_CT_KEY, key);
	netlink_put_be32(r, reg, NFT_REG_1);
	nftables_end_expression(r, e);
}

void nftables_load_ct(struct netlink_request *r, uint32_t key)
{
	access_ct(r, key, NFTA_CT_DREG);
}

void nftables_store_ct(struct netlink_request *r, uint32_t key)
{
	access_ct(r, key, NFTA_CT_SREG);
}

static void access_meta(struct netlink_request *r, uint32_t key, uint16_t reg)
{
	struct nftables_expression e = nftables_begin_expression(r, "meta");

	netlink_put_be32(r, NFTA_META_KEY, key);
	netlink_put_be32(r, reg, NFT_REG_1);
	nftables_end_expression(r, e);
}

void nftables_load_meta(struct netlink_request *r, uint32_t key)
{
	access_meta(r, key, NFTA_META_DREG);
}

void nftables_store_meta(struct netlink_request *r, uint32_t key)
{
	access_meta(r, key, NFTA_META_SREG);
}

void nftables_load_bytes(struct netlink_request *r, const void *value, size_t size)
{
	struct nftables_expression e = nftables_begin_expression(r, "immediate");

	netlink_put_be32(r, NFTA_IMMEDIATE_DREG, NFT_REG_1);
	nftables_put_value(r, NFTA_IMMEDIATE_DATA, value, size);
	nftables_end_expression(r, e);
}

void nftables_load_number(struct netlink_request *r, uint32_t value)
{
	nftables_load_bytes(r, &value, sizeof(value));
}

static struct nftables_expression begin_payload(struct netlink_request *r, uint16_t reg,
						uint32_t base, uint32_t offset, size_t size)
{
	struct nftables_expression e = nftables_begin_expression(r, "payload");

	netlink_put_be32(r, reg, NFT_REG_1);
	netlink_put_be32(r, NFTA_PAYLOAD_BASE, base);
	netlink_put_be32(r, NFTA_PAYLOAD_OFFSET, offset);
	netlink_put_be32(r, NFTA_PAYLOAD_LEN, (uint32_t)size);
	return e;
}

void nftables_load_payload(struct netlink_request *r, uint32_t base, uint32_t offset, size_t size)
{
	nftables_end_expression(r, begin_payload(r, NFTA_PAYLOAD_DREG, base, offset, size));
}

void nftables_store_port(struct netlink_request *r, bool source, bool udp)
{
	/* TCP and UDP have both ports at the same offsets. */
	struct nftables_expression e = begin_payload(
		r, NFTA_PAYLOAD_SREG, NFT_PAYLOAD_TRANSPORT_HEADER,
		source ? offsetof(struct udphdr, source) : offsetof(struct udphdr, dest),
		sizeof(in_port_t));

	netlink_put_be32(r, NFTA_PAYLOAD_CSUM_TYPE, NFT_PAYLOAD_CSUM_INET);
	netlink_put_be32(r, NFTA_PAYLOAD_CSUM_OFFSET,
			 udp ? offsetof(struct udphdr, check) : offsetof(struct tcphdr, check));
	nftables_end_expression(r, e);
}

void nftables_is_family(struct netlink_request *r, bool ipv6)
{
	uint8_t protocol = ipv6 ? NFPROTO_IPV6 : NFPROTO_IPV4;

	nftables_load_meta(r, NFT_META_NFPROTO);
	nftables_compare(r, NFT_CMP_EQ, &protocol, sizeof(protocol));
}

void nftables_is_protocol(struct netlink_request *r, uint8_t protocol)
{
	nftables_load_meta(r, NFT_META_L4PROTO);
	nftables_compare(r, NFT_CMP_EQ, &protocol, sizeof(protocol));
}

/* ---- watching ---- */

int nftables_watch(const struct netlink *nl)
{
	int group = NFNLGRP_NFTABLES;

	return setsockopt(nl->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0
		       ? -errno
		       : 0;
}

static bool reports_removal(const struct nlmsghdr *message, const char *table, uint32_t maker)
{
	struct netlink_span rest = netlink_attributes(message, sizeof(struct nfgenmsg));
	struct netlink_attribute attribute;
	size_t size = strlen(table) + 1;

	if (message->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELTABLE) ||
	    message->nlmsg_pid == maker)
		return false;
	while (netlink_next_attribute(&rest, &attribute))
		if (attribute.type == NFTA_TABLE_NAME && attribute.size == size &&
		    memcmp(attribute.payload, table, size) == 0)
			return true;
	return false;
}

bool nftables_is_removed(const struct netlink *nl, const char *table, uint32_t maker)
{
	_Alignas(NLMSG_ALIGNTO) unsigned char buffer[NETLINK_BUFFER_SIZE];
	bool removed = false;
	int n = 0;

	for (int i = 0; i < REPORTS_MAX && (n = netlink_receive(nl, buffer)) >= 0; i++) {
		struct netlink_span rest = {buffer, buffer + n};
		const struct nlmsghdr *message;

		while ((message = netlink_next_message(&rest)))
			removed |= reports_removal(message, table, maker);
	}
	return removed || (n < 0 && n != -EAGAIN);
}

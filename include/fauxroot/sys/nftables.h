/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to nf_tables in the family inet (linux/netfilter/nf_tables.h), composed with
 * sys/netlink.h.
 *
 * A batch is one datagram with nftables_begin_batch() and nftables_end_batch(); the kernel carries
 * out all of it or nothing. The last message before the end requests the acknowledgement
 * (NLM_F_ACK), because Linux before 6.10 does not acknowledge the end.
 *
 * A rule is a list of expressions. An expression loads a value into register 1, changes or stores
 * the register, or compares it. An unsuccessful comparison ends the rule. For an expression without
 * a function here use nftables_begin_expression().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct netlink;
struct netlink_request;

/* Two table flags that older kernel headers lack. "owner" (Linux 5.12): the netlink socket owns the
 * table, and other sockets cannot remove it. "persist" (Linux 6.9): the table stays when that
 * socket is closed. */
#define NFTABLES_KEPT (2U | 4U)

/* A new table. */
struct nftables_table {
	const char *name;
	uint32_t flags; /* 0 or NFTABLES_KEPT */
	bool replace;	/* first remove the table of that name, with its contents; it must exist */
};

/* nftables_begin_batch(), nftables_end_batch() - append the bounds of a batch */
void nftables_begin_batch(struct netlink_request *r);
void nftables_end_batch(struct netlink_request *r);

/* nftables_begin_message() - append a message of the type NFT_MSG_…; its attributes follow */
void nftables_begin_message(struct netlink_request *r, uint16_t type, uint16_t flags);

/*
 * nftables_begin_table() - begin a batch with the new table @table
 * @flags: NLM_F_ACK if only nftables_end_batch() follows, else 0
 *
 * The batch fails with -EEXIST if there is a table of that name, with -EINVAL or -EOPNOTSUPP if the
 * kernel does not know the flags, and with -EPERM if the table to replace belongs to another
 * socket.
 */
void nftables_begin_table(struct netlink_request *r, const struct nftables_table *table,
			  uint16_t flags);

/*
 * nftables_put_chain() - append a new base chain
 * @type: "filter", "route", "nat"
 * @hook: NF_INET_…
 * @priority: NF_IP_PRI_…: a chain with a lower one sees a packet earlier
 */
void nftables_put_chain(struct netlink_request *r, const char *table, const char *name,
			const char *type, uint32_t hook, int32_t priority);

/* nftables_begin_rule() - append a new rule at the end of a chain; pass the return value to
 * nftables_end_rule() */
size_t nftables_begin_rule(struct netlink_request *r, const char *table, const char *chain,
			   uint16_t flags);
void nftables_end_rule(struct netlink_request *r, size_t rule);

/* The two nested attributes of an expression, as from netlink_nest(). */
struct nftables_expression {
	size_t element, data;
};

/* nftables_begin_expression() - append an expression; its attributes follow; pass the return value
 * to nftables_end_expression() */
struct nftables_expression nftables_begin_expression(struct netlink_request *r, const char *name);
void nftables_end_expression(struct netlink_request *r, struct nftables_expression e);

/* nftables_put_value() - append an attribute that is a constant of @size bytes */
void nftables_put_value(struct netlink_request *r, uint16_t type, const void *value, size_t size);

/* nftables_compare() - end the rule unless the register is equal (NFT_CMP_EQ), unequal
 * (NFT_CMP_NEQ), … to @size bytes at @value */
void nftables_compare(struct netlink_request *r, uint32_t how, const void *value, size_t size);

/* nftables_load_ct(), nftables_load_meta() - load a property of the packet's connection, NFT_CT_…,
 * or of the packet, NFT_META_… */
void nftables_load_ct(struct netlink_request *r, uint32_t key);
void nftables_load_meta(struct netlink_request *r, uint32_t key);

/* nftables_store_ct(), nftables_store_meta() - store the register in a property of the connection
 * or packet */
void nftables_store_ct(struct netlink_request *r, uint32_t key);
void nftables_store_meta(struct netlink_request *r, uint32_t key);

/* nftables_load_bytes() - load a constant of @size bytes; nftables_load_number() - in host order */
void nftables_load_bytes(struct netlink_request *r, const void *value, size_t size);
void nftables_load_number(struct netlink_request *r, uint32_t value);

/*
 * nftables_load_payload() - load @size bytes of the packet
 * @base: NFT_PAYLOAD_NETWORK_HEADER, NFT_PAYLOAD_TRANSPORT_HEADER
 * @offset: in that header
 */
void nftables_load_payload(struct netlink_request *r, uint32_t base, uint32_t offset, size_t size);

/*
 * nftables_store_port() - write the register to a port of a TCP or UDP packet
 * @source: the source port; false: the destination port
 * @udp: the protocol, which decides where the checksum is; it is corrected
 */
void nftables_store_port(struct netlink_request *r, bool source, bool udp);

/* nftables_is_family() - end the rule unless the packet is IPv6, or with @ipv6 false IPv4 */
void nftables_is_family(struct netlink_request *r, bool ipv6);

/* nftables_is_protocol() - end the rule unless the transport protocol is @protocol, IPPROTO_… */
void nftables_is_protocol(struct netlink_request *r, uint8_t protocol);

/* nftables_watch() - subscribe @nl, a socket of NETLINK_NETFILTER, to removals of tables; 0 or
 * -errno */
int nftables_watch(const struct netlink *nl);

/*
 * nftables_is_removed() - read reports after nftables_watch(), at most 64 at a time
 * @table: its name
 * @maker: the port of the socket that creates the table; removals by this socket do not count
 *
 * Returns true if another socket has removed a table of that name, or if a report was lost. Never
 * blocks.
 */
bool nftables_is_removed(const struct netlink *nl, const char *table, uint32_t maker);

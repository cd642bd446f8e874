/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nf_tables table of published ports, set up by netlink (linux/netfilter/nf_tables.h). It marks
 * connections that come from a real client address, and copies the mark to their answers. See
 * tracking.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct netlink;
struct nftables_table;

/* The table is "inet fauxroot". */
#define NFT_TABLE "fauxroot"

/*
 * nft_make() - create the table
 * @nl: a socket of NETLINK_NETFILTER in the child's network namespace
 * @table: its name is NFT_TABLE
 * @by_mark: our sockets carry SOURCE_SOCKET_MARK; false: their source is not an address of the
 * namespace, which needs the kernel's nft_fib
 *
 * Creates the whole table or nothing. Turns connection tracking on. Returns 0 or -errno, with the
 * kernel's message in @err: -ENOENT if the kernel lacks an expression, or an error of
 * nftables_begin_table().
 */
int nft_make(struct netlink *nl, const struct nftables_table *table, bool by_mark,
	     struct error *err);

/* A network that the namespace reaches directly, without a gateway. */
struct nft_network {
	uint32_t ifindex;
	uint8_t family; /* AF_INET, AF_INET6 */
	uint8_t prefix;
	uint8_t address[16]; /* in network byte order; 4 bytes of it for AF_INET */
};

/* Further networks are ignored. */
#define NFT_NETWORKS_MAX 256

/*
 * nft_set_networks() - masquerade connections from a client in one of @networks that leave on the
 * link of that network
 *
 * Such a connection has the link's own address as its source. Replaces the networks of the previous
 * call. nft_make() has created the table with @nl. Returns 0 or -errno: -ENOENT if the kernel
 * lacks nft_masq or nft_chain_nat.
 */
int nft_set_networks(struct netlink *nl, const struct nft_network *networks, size_t n,
		     struct error *err);

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

/* The table is "inet fauxroot". */
#define NFT_TABLE "fauxroot"

/* How the rules recognise our connections, and who owns the table. */
struct nft_variant {
	bool by_mark; /* true: our sockets carry SOURCE_SOCKET_MARK. false: the source is not an
		       * address of the namespace, which needs the kernel's nft_fib */
	bool owned;   /* the netlink socket owns the table (Linux 5.12): other sockets cannot remove
		       * it, and it disappears with the socket */
};

/*
 * nft_make() - create the table; replaces an existing one that has no owner
 * @nl: a socket of NETLINK_NETFILTER in the child's network namespace
 *
 * Creates the whole table or nothing. Turns connection tracking on. Returns 0 or -errno, with the
 * kernel's message: -ENOENT if the kernel lacks an expression, -EINVAL or -EOPNOTSUPP if it does
 * not support owners, -EPERM if another socket owns a table of that name.
 */
int nft_make(struct netlink *nl, const struct nft_variant *variant, struct error *err);

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

/*
 * nft_watch() - subscribe @nl, a socket of NETLINK_NETFILTER, to removals of tables
 *
 * Only a table without an owner needs this. Returns 0 or -errno.
 */
int nft_watch(const struct netlink *nl);

/*
 * nft_is_removed() - read the pending reports after nft_watch()
 * @maker: the port (nl_pid) of the socket that creates the table: its own removals do not count
 *
 * Returns true if another socket has removed a table of our name, or if a report was lost. Never
 * blocks.
 */
bool nft_is_removed(const struct netlink *nl, uint32_t maker);

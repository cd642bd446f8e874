/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nf_tables table of published ports, by netlink (linux/netfilter/nf_tables.h): it carries the
 * mark of a connection from a real client address to the connection's answers. See tracking.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct netlink;

/* The table is "inet fauxroot". */
#define NFT_TABLE "fauxroot"

/* Which connections are ours, and to whom the table belongs. */
struct nft_variant {
	bool by_mark; /* those of sockets that carry SOURCE_SOCKET_MARK; else those whose source is
		       * no address of the namespace, which needs the kernel's nft_fib */
	bool owned; /* the table belongs to the netlink socket (Linux 5.12): nobody else can remove
		     * it, and it goes with the socket */
};

/*
 * nft_make() - make the table, in place of one that is there and has no owner
 * @nl: a socket of NETLINK_NETFILTER in the child's network namespace
 *
 * All or nothing. Turns connection tracking on. Returns 0 or -errno, with the kernel's words:
 * -ENOENT where the kernel lacks an expression, -EINVAL or -EOPNOTSUPP where it knows no owner,
 * -EPERM where another socket owns a table of the name.
 */
int nft_make(struct netlink *nl, const struct nft_variant *variant, struct error *err);

/* A network that the namespace reaches without a gateway. */
struct nft_network {
	uint32_t ifindex;
	uint8_t family; /* AF_INET, AF_INET6 */
	uint8_t prefix;
	uint8_t address[16]; /* in network byte order; 4 bytes of it for AF_INET */
};

/* How many are looked at. */
#define NFT_NETWORKS_MAX 256

/*
 * nft_set_networks() - connections from a client in one of @networks that leave on the same link
 * give up the client's address for the link's own
 *
 * Replaces those of the last call. For the table that nft_make() has made with @nl. Returns 0 or
 * -errno: -ENOENT where the kernel lacks nft_masq or nft_chain_nat.
 */
int nft_set_networks(struct netlink *nl, const struct nft_network *networks, size_t n,
		     struct error *err);

/*
 * nft_watch() - have the removal of tables reported to a socket of NETLINK_NETFILTER
 *
 * For a table that is not owned. Returns 0 or -errno.
 */
int nft_watch(const struct netlink *nl);

/*
 * nft_is_removed() - take what nft_watch() has brought
 * @maker: the port (nl_pid) of the socket that makes the table: its own removals do not count
 *
 * Returns true where somebody else has removed a table of our name, or where a report was lost.
 * Never blocks.
 */
bool nft_is_removed(const struct netlink *nl, uint32_t maker);

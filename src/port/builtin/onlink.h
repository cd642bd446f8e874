/* SPDX-License-Identifier: Apache-2.0 */
/* The networks that a network namespace reaches without a gateway. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "nft.h"

struct error;
struct netlink;

/*
 * onlink_list() - those of the main routing table, both families
 * @nl: a socket of NETLINK_ROUTE in the namespace
 * @ret: room for NFT_NETWORKS_MAX; @ret_n: how many were found
 *
 * Link-local networks are left out: nobody comes from them through a published port. Returns 0,
 * -E2BIG where there are more, or -errno.
 */
int onlink_list(struct netlink *nl, struct nft_network *ret, size_t *ret_n, struct error *err);

/* onlink_watch() - have changes of routes reported to a socket of NETLINK_ROUTE; 0 or -errno */
int onlink_watch(const struct netlink *nl);

/* onlink_drain() - forget what onlink_watch() has brought, some at a time. Never blocks. */
void onlink_drain(const struct netlink *nl);

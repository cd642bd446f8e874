/* SPDX-License-Identifier: Apache-2.0 */
/* The networks that a network namespace reaches directly, without a gateway. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "nft.h"

struct error;
struct netlink;

/*
 * onlink_list() - list the networks in the main routing table, for both families
 * @nl: a socket of NETLINK_ROUTE in the namespace
 * @ret: has room for NFT_NETWORKS_MAX; @ret_n: number of networks found
 *
 * Omits link-local networks: no client of a published port comes from them. Returns 0, -E2BIG if
 * there are more networks, or another -errno.
 */
int onlink_list(struct netlink *nl, struct nft_network *ret, size_t *ret_n, struct error *err);

/* onlink_watch() - subscribe @nl, a socket of NETLINK_ROUTE, to changes of routes; 0 or -errno */
int onlink_watch(const struct netlink *nl);

/* onlink_drain() - discard pending reports after onlink_watch(), a limited number. Never blocks. */
void onlink_drain(const struct netlink *nl);

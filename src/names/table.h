/* SPDX-License-Identifier: Apache-2.0 */
/* The table of nf_tables that leads port 53 of the service's addresses to its sockets. See table.c.
 */
#pragma once

#include <stdint.h>

#include "fauxroot/names/at.h"

struct error;
struct netlink;

/*
 * table_make() - create the table
 * @nl: a socket of NETLINK_NETFILTER in the child's network; the table exists as long as it is open
 * @port: of the sockets
 *
 * Creates the whole table or nothing. Returns 0 or -errno (ENOENT: the kernel lacks an expression;
 * EINVAL, EOPNOTSUPP: before Linux 5.12 a table has no owner).
 */
int table_make(struct netlink *nl, const struct names_at *at, uint16_t port, struct error *err);

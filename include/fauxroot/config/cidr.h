/* SPDX-License-Identifier: Apache-2.0 */
/* IPv4 networks in CIDR form, and the addresses that the child's network uses of one. */
#pragma once

#include <netinet/in.h>

#include "fauxroot/config/config.h"

#define CIDR_MAX_PREFIX 25

/*
 * cidr_parse() - "10.0.2.0/24", the whole of @text
 *
 * The host bits must be 0 and the prefix 1…25: the child, the gateway and the DNS server are the
 * network's +100, +2 and +3. Numbers have no leading zeros, which other programs read as octal.
 * Returns 0, or -EINVAL with @ret untouched.
 */
int cidr_parse(const char *text, struct cidr *ret);

/* cidr_host() - the network's address plus @host, in network byte order */
struct in_addr cidr_host(const struct cidr *cidr, unsigned host);

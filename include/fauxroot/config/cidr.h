/* SPDX-License-Identifier: Apache-2.0 */
/* IPv4 networks in CIDR notation, and their addresses in the child's network. */
#pragma once

#include <netinet/in.h>

#include "fauxroot/config/config.h"

#define CIDR_MAX_PREFIX 25

/*
 * cidr_parse() - parse @text, such as "10.0.2.0/24"
 *
 * The host bits must be 0 and the prefix 1…25: the addresses of the child, the gateway and the DNS
 * server are the network's address +100, +2 and +3. Leading zeros are refused: other programs read
 * such numbers as octal.
 * Returns 0, or -EINVAL with @ret untouched.
 */
int cidr_parse(const char *text, struct cidr *ret);

/* cidr_of() - the network that the options request, by default 10.0.2.0/24 */
struct cidr cidr_of(const struct config *config);

/* cidr_host() - the network's address plus @host, in network byte order */
struct in_addr cidr_host(const struct cidr *cidr, unsigned host);

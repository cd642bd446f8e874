/* SPDX-License-Identifier: Apache-2.0 */
/* Ranges of IPv4 and IPv6 addresses in CIDR notation (RFC 4632, RFC 4291 section 2.3). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fauxroot/config/portspec.h"

struct address_range {
	int family;		   /* AF_INET or AF_INET6 */
	unsigned char address[16]; /* the first 4 bytes for IPv4; bits after the prefix are 0 */
	unsigned prefix;	   /* in bits */
};

/*
 * range_parse() - parse "10.0.0.0/8", "2001:db8::/32" or a single address
 *
 * The bits after the prefix must be 0, so that a mistyped network is noticed. IPv4-mapped
 * addresses are refused: the user must give the IPv4 network instead. Returns 0, or -EINVAL with
 * @ret untouched.
 */
int range_parse(const char *text, struct address_range *ret);

/* range_contains() - is the address of @e in @range? */
bool range_contains(const struct address_range *range, const union endpoint *e);

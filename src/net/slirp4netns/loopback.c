/* SPDX-License-Identifier: Apache-2.0 */
#include "loopback.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

/* A copy of an address: the caller's sockaddr need not be aligned. */
struct endpoint {
	int family;
	union {
		struct in_addr v4;
		struct in6_addr v6;
	} ip;
};

static bool endpoint_of(const struct sockaddr *address, socklen_t size, struct endpoint *ret)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (!address || size < offsetof(struct sockaddr, sa_data))
		return false;
	*ret = (struct endpoint){.family = address->sa_family};
	if (ret->family == AF_INET && size >= sizeof(v4)) {
		memcpy(&v4, address, sizeof(v4));
		ret->ip.v4 = v4.sin_addr;
		return true;
	}
	/* The kernel accepts an address without a scope id, too (RFC 2133). */
	if (ret->family == AF_INET6 && size >= offsetof(struct sockaddr_in6, sin6_scope_id)) {
		memcpy(&v6, address, offsetof(struct sockaddr_in6, sin6_scope_id));
		ret->ip.v6 = v6.sin6_addr;
		return true;
	}
	return false;
}

static bool is_loopback4(struct in_addr ip)
{
	uint32_t network = ntohl(ip.s_addr) >> 24;

	return network == IN_LOOPBACKNET || network == 0;
}

bool loopback_reaches(const struct sockaddr *address, socklen_t size)
{
	static const uint8_t zeroes[12];
	struct endpoint e;
	struct in_addr mapped;

	if (!endpoint_of(address, size, &e))
		return false;
	if (e.family == AF_INET)
		return is_loopback4(e.ip.v4);
	if (!IN6_IS_ADDR_V4MAPPED(&e.ip.v6))
		return memcmp(&e.ip.v6, zeroes, sizeof(zeroes)) == 0;
	memcpy(&mapped, e.ip.v6.s6_addr + 12, sizeof(mapped));
	return is_loopback4(mapped);
}

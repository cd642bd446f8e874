/* SPDX-License-Identifier: Apache-2.0 */
#include "loopback.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

#include "fauxroot/base/parse.h"

#define DNS_PORT 53

/* A copy of an address: the caller's sockaddr need not be aligned. */
struct endpoint {
	int family;
	in_port_t port;
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
		ret->port = v4.sin_port;
		ret->ip.v4 = v4.sin_addr;
		return true;
	}
	/* The kernel accepts an address without a scope id, too (RFC 2133). */
	if (ret->family == AF_INET6 && size >= offsetof(struct sockaddr_in6, sin6_scope_id)) {
		memcpy(&v6, address, offsetof(struct sockaddr_in6, sin6_scope_id));
		ret->port = v6.sin6_port;
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

/* Parse "nameserver ADDRESS"; copy the address as text for inet_pton(3). */
static bool take_name_server(struct cursor line, char *ret, size_t size)
{
	const char *start;
	size_t n;

	if (!cursor_word(&line, "nameserver") || cursor_blanks(&line) == 0)
		return false;
	cursor_until(&line, " \t\r%", &start, &n);
	if (n >= size)
		return false;
	memcpy(ret, start, n);
	ret[n] = '\0';
	return true;
}

bool loopback_names(const struct sockaddr *address, socklen_t size, const char *text, size_t n)
{
	struct cursor c = cursor_of_n(text, n), line;
	struct endpoint e;

	if (!endpoint_of(address, size, &e) || e.port != htons(DNS_PORT))
		return false;
	while (cursor_line(&c, &line)) {
		char server[INET6_ADDRSTRLEN];
		struct endpoint named = {.family = e.family, .port = e.port};
		size_t width = e.family == AF_INET ? sizeof(e.ip.v4) : sizeof(e.ip.v6);

		if (take_name_server(line, server, sizeof(server)) &&
		    inet_pton(e.family, server, &named.ip) == 1 &&
		    memcmp(&e.ip, &named.ip, width) == 0)
			return true;
	}
	return false;
}

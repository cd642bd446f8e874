/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/config/portspec.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static void set_ipv4(union endpoint *e, const void *address, uint16_t port)
{
	e->in.sin_family = AF_INET;
	e->in.sin_port = htons(port);
	memcpy(&e->in.sin_addr, address, sizeof(e->in.sin_addr));
}

union endpoint endpoint_of_ipv4(struct in_addr address)
{
	union endpoint e;

	memset(&e, 0, sizeof(e));
	set_ipv4(&e, &address, 0);
	return e;
}

union endpoint endpoint_of_ipv6(const struct in6_addr *address)
{
	union endpoint e;

	memset(&e, 0, sizeof(e));
	e.in6.sin6_family = AF_INET6;
	e.in6.sin6_addr = *address;
	return e;
}

int endpoint_of(const char *ip, uint16_t port, union endpoint *ret)
{
	struct in6_addr address6;
	struct in_addr address;
	union endpoint e;

	memset(&e, 0, sizeof(e));
	if (inet_pton(AF_INET, ip, &address) == 1) {
		set_ipv4(&e, &address, port);
	} else if (inet_pton(AF_INET6, ip, &address6) != 1) {
		return -EINVAL;
	} else if (IN6_IS_ADDR_V4MAPPED(&address6)) {
		set_ipv4(&e, &address6.s6_addr[12], port);
	} else {
		e.in6.sin6_family = AF_INET6;
		e.in6.sin6_port = htons(port);
		e.in6.sin6_addr = address6;
	}
	*ret = e;
	return 0;
}

socklen_t endpoint_size(const union endpoint *e)
{
	return e->sa.sa_family == AF_INET6 ? sizeof(e->in6) : sizeof(e->in);
}

uint16_t endpoint_port(const union endpoint *e)
{
	return ntohs(e->sa.sa_family == AF_INET6 ? e->in6.sin6_port : e->in.sin_port);
}

void endpoint_set_port(union endpoint *e, uint16_t port)
{
	if (e->sa.sa_family == AF_INET6)
		e->in6.sin6_port = htons(port);
	else
		e->in.sin_port = htons(port);
}

bool endpoint_is_loopback(const union endpoint *e)
{
	if (e->sa.sa_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&e->in6.sin6_addr);
	return ntohl(e->in.sin_addr.s_addr) >> 24 == 127;
}

bool endpoint_is_link_local(const union endpoint *e)
{
	return e->sa.sa_family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&e->in6.sin6_addr);
}

bool endpoint_is_wildcard(const union endpoint *e)
{
	if (e->sa.sa_family == AF_INET6)
		return IN6_IS_ADDR_UNSPECIFIED(&e->in6.sin6_addr);
	return e->in.sin_addr.s_addr == htonl(INADDR_ANY);
}

bool endpoint_equal(const union endpoint *a, const union endpoint *b)
{
	if (a->sa.sa_family != b->sa.sa_family || endpoint_port(a) != endpoint_port(b))
		return false;
	if (a->sa.sa_family == AF_INET6)
		return IN6_ARE_ADDR_EQUAL(&a->in6.sin6_addr, &b->in6.sin6_addr) &&
		       a->in6.sin6_scope_id == b->in6.sin6_scope_id;
	return a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
}

const char *endpoint_format(const union endpoint *e, char *buf, size_t size)
{
	char ip[INET6_ADDRSTRLEN] = "";

	if (e->sa.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &e->in6.sin6_addr, ip, sizeof(ip));
		snprintf(buf, size, "[%s]:%u", ip, endpoint_port(e));
	} else {
		inet_ntop(AF_INET, &e->in.sin_addr, ip, sizeof(ip));
		snprintf(buf, size, "%s:%u", ip, endpoint_port(e));
	}
	return buf;
}

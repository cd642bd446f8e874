/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/machine/routes.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"

#define ROUTES	 "/proc/self/net/fib_trie"
#define MAX_FILE (1U << 20) /* every launch reads it; only routers have more */

/* VPNs use two routes of /1, or eight of /3, instead of a default route. */
#define MIN_PREFIX 8

/* 10.0.2.15 */
#define VIRTUAL_ADDRESS 0x0a00020fU

struct route {
	uint32_t address; /* in host byte order */
	uint32_t prefix;
};

static char *load(const struct machine *machine)
{
	char path[PATH_MAX], *text;

	if (!machine_path(machine, ROUTES, path, sizeof(path)) ||
	    file_read_bounded(AT_FDCWD, path, MAX_FILE, &text, NULL) < 0)
		return NULL;
	return text;
}

static bool take_address(struct cursor c, uint32_t *ret)
{
	char text[INET_ADDRSTRLEN];
	struct in_addr address;

	if (str_print(text, sizeof(text), "%.*s", (int)cursor_left(&c), c.at) < 0 ||
	    inet_pton(AF_INET, text, &address) != 1)
		return false;
	*ret = ntohl(address.s_addr);
	return true;
}

/* "/24 link UNICAST": an ordinary route, or an address. Lines of other types are broadcast
 * addresses or routes that refuse packets. */
static bool take_prefix(struct cursor c, uint32_t *ret)
{
	const char *scope;
	size_t n;

	if (!cursor_char(&c, '/') || cursor_u32(&c, 32, ret) < 0 || cursor_blanks(&c) == 0)
		return false;
	cursor_until(&c, " ", &scope, &n);
	return cursor_blanks(&c) > 0 && (cursor_word(&c, "UNICAST") || cursor_word(&c, "LOCAL"));
}

/*
 * The next route of the text. A line "|-- 10.0.2.0" has an address. The lines after it have the
 * prefix lengths of routes to this address: "/24 link UNICAST".
 */
static bool next_route(struct cursor *c, struct route *ret)
{
	struct cursor line;

	while (cursor_line(c, &line)) {
		(void)cursor_blanks(&line);
		if (cursor_word(&line, "|-- "))
			(void)take_address(line, &ret->address);
		else if (take_prefix(line, &ret->prefix))
			return true;
	}
	return false;
}

static bool overlaps(const struct route *route, const struct cidr *network)
{
	uint32_t prefix = MIN(route->prefix, network->prefix);

	return route->prefix >= MIN_PREFIX &&
	       (route->address ^ ntohl(network->address.s_addr)) >> (32 - prefix) == 0;
}

static bool is_virtual(const char *text)
{
	struct cursor c = cursor_of(text);
	struct route route = {0};

	while (next_route(&c, &route))
		if (route.address == VIRTUAL_ADDRESS && route.prefix == 32)
			return true;
	return false;
}

static bool find(const char *text, const struct cidr *network, struct route *ret)
{
	struct cursor c = cursor_of(text);
	bool without_virtual = is_virtual(text);

	*ret = (struct route){0};
	while (next_route(&c, ret))
		if (overlaps(ret, network) &&
		    !(without_virtual && (ret->address ^ VIRTUAL_ADDRESS) >> 8 == 0))
			return true;
	return false;
}

bool routes_virtual(const struct machine *machine)
{
	_cleanup_free_ char *text = load(machine);

	return text && is_virtual(text);
}

bool routes_overlap(const struct machine *machine, const struct cidr *network, char *buf,
		    size_t size)
{
	_cleanup_free_ char *text = load(machine);
	char address[INET_ADDRSTRLEN];
	struct route route;
	struct in_addr in;

	if (!text || !find(text, network, &route))
		return false;
	in.s_addr = htonl(route.address);
	inet_ntop(AF_INET, &in, address, sizeof(address));
	return str_print(buf, size, "%s/%u", address, route.prefix) == 0;
}

/* The networks to propose: 10.1.2.0/24, 10.2.2.0/24, …; 192.168.1.0/24, …. None is in
 * 172.16.0.0/12, because Docker chooses its networks there. */
bool routes_free(const struct machine *machine, struct cidr *ret)
{
	_cleanup_free_ char *text = load(machine);
	struct route route;

	for (uint32_t i = 1; text && i < 2 * 255; i++) {
		uint32_t address = i < 255 ? 0x0a000200 | i << 16 : 0xc0a80000 | (i - 254) << 8;

		*ret = (struct cidr){.address.s_addr = htonl(address), .prefix = 24};
		if (!find(text, ret, &route))
			return true;
	}
	return false;
}

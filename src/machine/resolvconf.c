/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/machine/resolvconf.h"

#include <net/if.h>
#include <string.h>

#include "fauxroot/base/parse.h"

static bool is_separator(char ch)
{
	return (unsigned char)ch <= ' ' || ch == 0x7f;
}

/* Take the address of a line "nameserver ADDRESS". */
static bool take_server(struct cursor line, struct cursor *ret)
{
	if (!cursor_word(&line, "nameserver") || cursor_at_end(&line) || !is_separator(*line.at))
		return false;
	while (!cursor_at_end(&line) && is_separator(*line.at))
		line.at++;
	*ret = (struct cursor){line.at, line.at};
	while (ret->end < line.end && !is_separator(*ret->end) && *ret->end != '#' &&
	       *ret->end != ';')
		ret->end++;
	return !cursor_at_end(ret);
}

/* Copy @word to @buf if it fits. */
static bool copy_word(const struct cursor *word, char *buf, size_t size)
{
	if (cursor_left(word) >= size || memchr(word->at, '\0', cursor_left(word)))
		return false;
	*(char *)mempcpy(buf, word->at, cursor_left(word)) = '\0';
	return true;
}

/* "192.0.2.1", "2001:db8::1", "fe80::1%eth0", "fe80::1%2" */
static bool read_address(struct cursor word, unsigned (*index_of)(const char *name), uint16_t port,
			 union endpoint *ret)
{
	char text[INET6_ADDRSTRLEN], scope[IF_NAMESIZE];
	struct cursor address = word, zone;
	union endpoint e;
	uint32_t index = 0;
	const char *at;
	size_t n;

	cursor_until(&word, "%", &at, &n);
	address.end = at + n;
	zone = word;
	if (!copy_word(&address, text, sizeof(text)) || endpoint_of(text, port, &e) < 0)
		return false;
	if (cursor_char(&zone, '%')) {
		if (e.sa.sa_family != AF_INET6 || !copy_word(&zone, scope, sizeof(scope)))
			return false;
		if (parse_u32(scope, UINT32_MAX, &index) < 0)
			index = index_of(scope);
		if (index == 0)
			return false;
		e.in6.sin6_scope_id = index;
	} else if (endpoint_is_link_local(&e)) {
		return false;
	}
	*ret = e;
	return true;
}

size_t resolvconf_servers(const char *text, size_t size, unsigned (*index_of)(const char *name),
			  uint16_t port, union endpoint *ret, size_t max)
{
	struct cursor rest = cursor_of_n(text, size), line, word;
	size_t n = 0, i;

	while (n < max && cursor_line(&rest, &line)) {
		union endpoint e;

		if (!take_server(line, &word) || !read_address(word, index_of, port, &e))
			continue;
		for (i = 0; i < n && !endpoint_equal(&ret[i], &e); i++)
			;
		if (i == n)
			ret[n++] = e;
	}
	if (n == 0 && endpoint_of("127.0.0.1", port, &ret[0]) == 0)
		n = 1;
	return n;
}

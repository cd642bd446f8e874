/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/config/range.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "fauxroot/base/parse.h"

/* Bit @i of an address, from the left. */
static bool bit_of(const unsigned char *address, unsigned i)
{
	return address[i / 8] & 0x80U >> i % 8;
}

int range_parse(const char *text, struct address_range *ret)
{
	struct address_range range = {.family = AF_INET};
	struct cursor c = cursor_of(text);
	char address[INET6_ADDRSTRLEN];
	const char *word;
	unsigned bits = 32;
	size_t n;

	cursor_until(&c, "/", &word, &n);
	if (n >= sizeof(address))
		return -EINVAL;
	memcpy(address, word, n);
	address[n] = '\0';
	if (inet_pton(AF_INET, address, range.address) != 1) {
		range.family = AF_INET6;
		bits = 128;
		if (inet_pton(AF_INET6, address, range.address) != 1 ||
		    IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)(const void *)range.address))
			return -EINVAL;
	}
	range.prefix = bits;
	if (!cursor_at_end(&c) &&
	    (!cursor_char(&c, '/') || cursor_u32(&c, bits, &range.prefix) < 0))
		return -EINVAL;
	for (unsigned i = range.prefix; i < bits; i++)
		if (bit_of(range.address, i))
			return -EINVAL;
	if (!cursor_at_end(&c))
		return -EINVAL;
	*ret = range;
	return 0;
}

bool range_contains(const struct address_range *range, const union endpoint *e)
{
	const void *at = e->sa.sa_family == AF_INET6 ? (const void *)&e->in6.sin6_addr
						     : (const void *)&e->in.sin_addr;
	const unsigned char *address = at;

	if (e->sa.sa_family != range->family)
		return false;
	for (unsigned i = 0; i < range->prefix; i++)
		if (bit_of(address, i) != bit_of(range->address, i))
			return false;
	return true;
}

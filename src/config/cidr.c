/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/config/cidr.h"

#include <arpa/inet.h>
#include <errno.h>

#include "fauxroot/base/parse.h"

/* A decimal number without leading zeros. */
static int take_number(struct cursor *c, uint32_t max, uint32_t *ret)
{
	const char *start = c->at;
	int rc = cursor_u32(c, max, ret);

	if (rc == 0 && *start == '0' && c->at - start > 1)
		return -EINVAL;
	return rc;
}

int cidr_parse(const char *text, struct cidr *ret)
{
	struct cursor c = cursor_of(text);
	uint32_t address = 0, prefix, byte;

	for (int i = 0; i < 4; i++) {
		if ((i > 0 && !cursor_char(&c, '.')) || take_number(&c, 255, &byte) < 0)
			return -EINVAL;
		address = address << 8 | byte;
	}
	if (!cursor_char(&c, '/') || take_number(&c, CIDR_MAX_PREFIX, &prefix) < 0 ||
	    !cursor_at_end(&c) || prefix == 0)
		return -EINVAL;
	if (address & (UINT32_MAX >> prefix))
		return -EINVAL;
	*ret = (struct cidr){.address.s_addr = htonl(address), .prefix = prefix};
	return 0;
}

struct cidr cidr_of(const struct config *config)
{
	if (config->cidr.prefix > 0)
		return config->cidr;
	return (struct cidr){.address.s_addr = htonl(0x0a000200), .prefix = 24}; /* 10.0.2.0 */
}

struct in_addr cidr_host(const struct cidr *cidr, unsigned host)
{
	return (struct in_addr){.s_addr = htonl(ntohl(cidr->address.s_addr) + host)};
}

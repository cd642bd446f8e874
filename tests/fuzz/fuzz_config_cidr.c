/* SPDX-License-Identifier: Apache-2.0 */
/* Networks: an accepted one is canonical, so it is written in exactly one way. */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>

#include "fauxroot/config/cidr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[64], again[64], address[INET_ADDRSTRLEN];
	struct cidr cidr;
	uint32_t host;

	size = MIN(size, sizeof(text) - 1);
	memcpy(text, data, size);
	text[size] = '\0';
	if (cidr_parse(text, &cidr) < 0)
		return 0;
	assert(cidr.prefix >= 1 && cidr.prefix <= CIDR_MAX_PREFIX);
	assert(inet_ntop(AF_INET, &cidr.address, address, sizeof(address)));
	snprintf(again, sizeof(again), "%s/%u", address, cidr.prefix);
	assert(streq(text, again));

	/* The child's address is in the network. */
	host = ntohl(cidr_host(&cidr, 100).s_addr);
	assert(host >> (32 - cidr.prefix) == ntohl(cidr.address.s_addr) >> (32 - cidr.prefix));
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The name servers of any resolv.conf: there is at least one, none is repeated, and a line added in
 * front is the first of them.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fauxroot/machine/resolvconf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned index_of(const char *name)
{
	return (unsigned)strlen(name) % 3;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char line[] = "nameserver 192.0.2.77\n";
	const size_t added = sizeof(line) - 1;
	union endpoint servers[4], first;
	char *text = malloc(size + added);
	size_t n = resolvconf_servers((const char *)data, size, index_of, 53, servers, 4);

	assert(text && n >= 1 && n <= 4);
	for (size_t i = 0; i < n; i++) {
		assert(endpoint_port(&servers[i]) == 53);
		for (size_t k = 0; k < i; k++)
			assert(!endpoint_equal(&servers[i], &servers[k]));
	}
	memcpy(text, line, added);
	if (size > 0)
		memcpy(text + added, data, size);
	assert(endpoint_of("192.0.2.77", 53, &first) == 0);
	assert(resolvconf_servers(text, size + added, index_of, 53, servers, 4) >= 1);
	assert(endpoint_equal(&servers[0], &first));
	free(text);
	return 0;
}

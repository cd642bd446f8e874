/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parser of resolv.conf that protects the host's loopback: a name server is found regardless of
 * the lines around it, and only at port 53. Addresses that are found are in the text.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/slirp4netns/loopback.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char line[] = "\nnameserver 127.0.0.53\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(53)};
	const struct sockaddr *address = (const struct sockaddr *)&server;
	size_t split = size > 0 ? data[0] % size : 0, n = size + sizeof(line) - 1;
	char *text = malloc(n + 1);

	assert(text);
	inet_pton(AF_INET, "127.0.0.53", &server.sin_addr);
	if (loopback_names(address, sizeof(server), (const char *)data, size))
		assert(memmem(data, size, "nameserver", 10) &&
		       memmem(data, size, "127.0.0.53", 10));
	memcpy(text, data, split);
	memcpy(text + split, line, sizeof(line) - 1);
	memcpy(text + split + sizeof(line) - 1, data + split, size - split);
	assert(loopback_names(address, sizeof(server), text, n));
	server.sin_port = htons(54);
	assert(!loopback_names(address, sizeof(server), text, n));
	free(text);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A parsed line of /proc/net/tcp has an address of the requested family. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "port/occupant.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct socket_row row;
	union endpoint wildcard;

	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		memset(&row, 0xa5, sizeof(row));
		if (socket_row_parse(cursor_of_n((const char *)data, size), ipv6, &row) < 0) {
			for (size_t i = 0; i < sizeof(row); i++)
				assert(((const unsigned char *)&row)[i] == 0xa5);
			continue;
		}
		assert(row.local.sa.sa_family == (ipv6 ? AF_INET6 : AF_INET));
		assert(socket_row_blocks(&row, &row.local));
		assert(endpoint_of(ipv6 ? "::" : "0.0.0.0", endpoint_port(&row.local), &wildcard) ==
		       0);
		assert(socket_row_blocks(&row, &wildcard));
	}
	return 0;
}

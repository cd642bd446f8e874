/* SPDX-License-Identifier: Apache-2.0 */
/* Where the name service is, and how many servers it asks. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>

/* The most name servers that are used; further servers are ignored. */
#define NAMES_SERVERS_MAX 16

/* The port of name servers, and of the service for the command. */
#define NAMES_PORT 53

/* The addresses of the service in the child's network. They are added to its lo. */
struct names_at {
	struct in_addr address; /* in network byte order */
	bool ipv6;
	struct in6_addr address6;
};

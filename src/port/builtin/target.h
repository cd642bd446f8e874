/* SPDX-License-Identifier: Apache-2.0 */
/* Where a published port leads to, and whose address the target sees. */
#pragma once

#include <stdbool.h>

#include "fauxroot/config/portspec.h"

struct target {
	union endpoint child; /* the target's address */
	const union endpoint
		*destination; /* the same, where connect(2) may read it: destinations.h */
	union endpoint proxy; /* the source of clients that cannot keep theirs; or AF_UNSPEC */
	bool transparent;     /* clients keep their address (man 7 ip: IP_TRANSPARENT) */
};

enum source {
	SOURCE_REFUSED = -1, /* only a loopback address could be had, which servers trust */
	SOURCE_PLAIN,	     /* the client's own address, or whatever routing gives */
	SOURCE_PROXY,	     /* the address of the child's interface */
};

/*
 * target_bind() - give a socket its source address
 * @fd: a socket of the child's network namespace, not yet connected
 * @client: the client's address
 */
enum source target_bind(const struct target *target, int fd, const union endpoint *client);

/* target_connect() - connect @fd to the target; 0 or -errno (man 2 connect), -EINPROGRESS of TCP */
int target_connect(const struct target *target, int fd);

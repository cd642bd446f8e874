/* SPDX-License-Identifier: Apache-2.0 */
/* The target of a published port, and the source address that it sees. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fauxroot/config/portspec.h"

struct log_limit;

struct target {
	union endpoint child;		   /* the target's address */
	const union endpoint *destination; /* a copy that connect(2) may use: proc/destinations.h */
	union endpoint proxy; /* the source for clients that cannot keep theirs; or AF_UNSPEC */
	bool transparent;     /* clients keep their address (man 7 ip: IP_TRANSPARENT) */
	uint32_t path_size;   /* of the path in .destination, if .child is AF_UNIX */
	struct log_limit *complaints; /* limits the lines of target_complain() */
};

enum source {
	SOURCE_PLAIN, /* the client's own address, or the one that routing chooses */
	SOURCE_PROXY, /* the address of the child's interface */
};

/*
 * target_bind() - bind a socket to its source address
 * @fd: a socket of the child's network namespace, not connected yet
 * @client: the client's address
 *
 * Returns an enum source, or -errno (man 2 bind). -EACCES: only a loopback address was possible,
 * which servers trust.
 */
int target_bind(const struct target *target, int fd, const union endpoint *client);

/*
 * target_connect() - connect @fd to the target, unless that is a UNIX socket: then @fd is connected
 * already
 *
 * Returns 0 or -errno (man 2 connect); with TCP usually -EINPROGRESS.
 */
int target_connect(const struct target *target, int fd);

/*
 * target_connect_path() - connect @fd to the target, a UNIX socket
 *
 * The path may be on a file system that does not answer. Then this never returns: see paths.c.
 * Returns 0 or -errno (man 2 connect).
 */
int target_connect_path(const struct target *target, int fd);

/*
 * target_complain() - log that target_bind() or target_connect() failed with @rc, an -errno
 * @now_ms: on the monotonic clock
 *
 * Logs at most one line a minute: for a UNIX socket, and for TCP and UDP if all local ports of the
 * network are in use, or the address is unreachable. A target that refuses connections may be down
 * at any time: nothing is logged.
 */
void target_complain(const struct target *target, int rc, int64_t now_ms);

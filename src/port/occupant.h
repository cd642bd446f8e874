/* SPDX-License-Identifier: Apache-2.0 */
/* Who has an address that could not be bound. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/config/portspec.h"

/* One line of /proc/net/tcp, tcp6, udp or udp6. */
struct socket_row {
	union endpoint local;
	bool listens; /* TCP: state LISTEN */
	uint32_t uid; /* the owner's, as our user namespace sees it */
	uint64_t inode;
};

/*
 * socket_row_parse() - read one line (man 5 proc, /proc/net/tcp)
 * @ipv6: the line is of tcp6 or udp6
 *
 * Returns 0, or -EINVAL for the heading and whatever else is no such line, with @ret untouched.
 */
int socket_row_parse(struct cursor line, bool ipv6, struct socket_row *ret);

/*
 * socket_row_blocks() - does the socket of @row keep an IPv6-only or IPv4 socket from binding @e?
 *
 * Either has the wildcard address, or both have the same; an IPv6 wildcard may have IPv4, too.
 */
bool socket_row_blocks(const struct socket_row *row, const union endpoint *e);

/* Who has an address. */
struct occupant {
	/*
	 * REASON_PORT_OF_PROCESS: the process with the PID @id, "process 1234 (nginx)".
	 * REASON_PORT_OF_USER: the user with the @id, "a socket of uid 33". /proc does not show us
	 * the process: another user's, one of another PID namespace, the kernel.
	 * REASON_NONE: "a connection that has ended just now". The kernel keeps its port for a
	 * minute.
	 */
	enum error_reason reason;
	uint32_t id;
	char words[64]; /* for the end of a sentence */
};

/*
 * occupant_find() - who has the address @e?
 *
 * Looks for a tenth of a second of processor time at most, and for a second in all, so that a
 * machine full of processes and descriptors does not hold up the event loop for long; returns what
 * it has found by then. Returns false, with @ret untouched, where no socket is found.
 */
bool occupant_find(const union endpoint *e, bool udp, struct occupant *ret);

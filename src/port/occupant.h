/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the process or user whose socket keeps us from binding an address. */
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
	uint32_t uid; /* the owner's, in our user namespace */
	uint64_t inode;
};

/*
 * socket_row_parse() - parse one line (man 5 proc, /proc/net/tcp)
 * @ipv6: the line is from tcp6 or udp6
 *
 * Returns 0, or -EINVAL for the heading or an invalid line; @ret is unchanged then.
 */
int socket_row_parse(struct cursor line, bool ipv6, struct socket_row *ret);

/*
 * socket_row_blocks() - does the socket of @row prevent an IPv4 or IPv6-only socket at @e?
 *
 * It does if both have the same port, and one of them has the wildcard address or both have the
 * same address. A socket on the IPv6 wildcard may block IPv4, too.
 */
bool socket_row_blocks(const struct socket_row *row, const union endpoint *e);

/* The owner of an address. */
struct occupant {
	/*
	 * REASON_PORT_OF_PROCESS: the process with the PID @id, "process 1234 (nginx)".
	 * REASON_PORT_OF_USER: the user with the uid @id, "a socket of uid 33". /proc hides the
	 * process from us: it belongs to another user, another PID namespace or the kernel.
	 * REASON_NONE: "a connection that was closed recently". The kernel keeps its port for a
	 * minute.
	 */
	enum error_reason reason;
	uint32_t id;
	char words[64]; /* for the end of a sentence */
};

/*
 * occupant_find() - find the socket that occupies the address @e, and its owner
 *
 * The search takes at most a tenth of a second of processor time, and a second in all. So a machine
 * with very many processes and descriptors does not block the event loop for long. The result is
 * what was found by then. Returns false, with @ret unchanged, if no socket was found.
 */
bool occupant_find(const union endpoint *e, bool udp, struct occupant *ret);

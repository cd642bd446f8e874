/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bind sockets to random local ports. A socket that is bound to an explicit port can never be bound
 * to another one: bind(2) fails with EINVAL, also after the socket was disconnected. So a switched
 * socket cannot take over a port of the host.
 */
#pragma once

#include <stdint.h>

/* The ports that the kernel chooses for connections: man 7 ip, ip_local_port_range. */
struct ports_range {
	uint16_t first, last;
	unsigned char reserved[65536 / 8]; /* a bit per port: ip_local_reserved_ports */
};

/* ports_learn() - read the settings of our network namespace; the kernel's defaults if they cannot
 * be read */
void ports_learn(struct ports_range *ret);

/* ports_reserve() - parse the text of ip_local_reserved_ports, "80,1000-1010"; 0 or -EINVAL */
int ports_reserve(struct ports_range *range, const char *text);

/*
 * ports_bind() - bind @fd, a new TCP socket, to a random port of @range
 * @family: of the socket
 *
 * SO_REUSEADDR stays set: it lets the port be used again while an old connection of it is in
 * TIME_WAIT, and the host's programs can still bind the port. Returns 0, -EADDRINUSE if no free
 * port was found, or -errno.
 */
int ports_bind(const struct ports_range *range, int fd, int family);

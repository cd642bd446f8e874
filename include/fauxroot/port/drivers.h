/* SPDX-License-Identifier: Apache-2.0 */
/* For the room's own files: the drivers, and what they share. */
#pragma once

#include "fauxroot/port/port.h"

extern const struct port_driver port_builtin;

/*
 * listen_open() - bind and listen at the parent addresses of @port, into its listeners
 *
 * A parent port of 0 becomes the one that was found. On a host without IPv6 the wildcard is IPv4
 * alone. Returns 0 or -errno; the sentence names the address and, for a privileged port, what mends
 * it.
 */
int listen_open(struct port *port, struct error *err);
void listen_close(struct port *port);

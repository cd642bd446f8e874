/* SPDX-License-Identifier: Apache-2.0 */
/* For the room's own files: the drivers, what they share, and what they call. */
#pragma once

#include "fauxroot/port/table.h"

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

/*
 * ports_finish() - for drivers: what was -EINPROGRESS has been done
 * @port: for PORTS_ADDING, the port as it is now
 * @err: why it has failed; NULL: it has not
 */
void ports_finish(struct ports *ports, const struct port *port, const struct error *err);

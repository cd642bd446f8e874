/* SPDX-License-Identifier: Apache-2.0 */
/* Internal to port/: the drivers, and the functions that the drivers share and call. */
#pragma once

#include "fauxroot/port/table.h"

extern const struct port_driver port_builtin, port_builtin_reverse;

/*
 * listen_open() - bind and listen at the parent addresses of @port
 * @port: the sockets go into its listeners
 *
 * A parent port of 0 becomes the free port that the kernel chose. On a host without IPv6 the
 * wildcard address is IPv4 only. Returns 0 or -errno; the error text names the address and, for a
 * privileged port, the remedies.
 */
int listen_open(struct port *port, struct error *err);

/* listen_set_tcp() - set the options that connections of a listening TCP socket inherit */
void listen_set_tcp(int fd);

/* listen_count() - the number of @port's listeners, which are the first ones of the array */
size_t listen_count(const struct port *port);

/* listen_close() - close the listeners of @port */
void listen_close(struct port *port);

/*
 * ports_finish() - for drivers: the operation that returned -EINPROGRESS is finished
 * @port: for PORTS_ADDING, the port in its final state
 * @err: why the operation failed; NULL: success
 */
void ports_finish(struct ports *ports, const struct port *port, const struct error *err);

/*
 * ports_adopt_late() - for drivers: @port was published after ports_finish() had reported a failure
 *
 * No client knows the port. It enters the table with a new id, and is removed as soon as possible.
 */
void ports_adopt_late(struct ports *ports, const struct port *port);

/* ports_removed_late() - for drivers: the port @id is not served any more, after ports_finish() had
 * reported that its removal failed. The port may be missing from the table. */
void ports_removed_late(struct ports *ports, uint32_t id);

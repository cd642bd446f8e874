/* SPDX-License-Identifier: Apache-2.0 */
/* The differences for services of the host, the reverse of published ports: see builtin.c. */
#pragma once

struct control_add;
struct error;
struct port;
struct ports;

/*
 * reverse_describe() - fill in @add: the target is a service of the host
 *
 * A service on the host's loopback sees a loopback client, as if the command were in the host's
 * network.
 */
void reverse_describe(const struct port *port, struct control_add *add);

/*
 * reverse_listen() - listen in the child's network: at the child's address, or at 127.0.0.1 and the
 * address for containers
 *
 * Returns 0 or -errno, as inside_listen() (sys/inside.h).
 */
int reverse_listen(struct ports *ports, struct port *port, struct error *err);

/* SPDX-License-Identifier: Apache-2.0 */
/* The launcher's servers: the API, with its view of a launch, and the server of the namespaces. */
#pragma once

#include "fauxroot/api/ports.h"

struct error;
struct launch;
struct port;
struct ports;

/* serve_start() - make the event loop and the servers at api.sock and ns.sock; 0 or -errno at
 * STEP_API */
int serve_start(struct launch *l, struct error *err);

/* serve_stop() - close the servers and free the event loop; also after a failed serve_start() */
void serve_stop(struct launch *l);

/* serve_port() - describe @port of the table @ports for clients of the API */
struct api_port serve_port(const struct ports *ports, const struct port *port);

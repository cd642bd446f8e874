/* SPDX-License-Identifier: Apache-2.0 */
/* Clients of api.sock that may be processes of the instance's command. */
#pragma once

#include <stdbool.h>

#include "fauxroot/config/config.h"

struct port_spec;

/*
 * client_is_inside() - is the client at the other end of @sock inside the instance?
 *
 * A process of our own user namespace (peer_relation()) is outside. So is root, if we are not root:
 * the command's ids are never mapped to it. All other processes count as inside, including those
 * whose user namespace cannot be read.
 */
bool client_is_inside(int sock);

/*
 * inside_may_publish() - does @policy allow a client inside to add or remove @spec?
 *
 * API_INSIDE_UNPRIVILEGED: if any user can bind the parent port.
 */
bool inside_may_publish(enum api_inside policy, const struct port_spec *spec);

/* SPDX-License-Identifier: Apache-2.0 */
/* Clients of api.sock that are the instance's command, or may be. */
#pragma once

#include <stdbool.h>

#include "fauxroot/config/config.h"

struct port_spec;

/*
 * client_is_inside() - is the client at the other end of @sock inside the instance?
 *
 * Outside is a process of our own user namespace (peer_place()), and root, where we are not root
 * ourselves: the command's ids are never mapped to it. All others are inside, those included that
 * cannot be looked at.
 */
bool client_is_inside(int sock);

/*
 * inside_may_publish() - may a client inside publish @spec, or take it back, by @policy?
 *
 * API_INSIDE_UNPRIVILEGED: where any user could bind the parent port.
 */
bool inside_may_publish(enum api_inside policy, const struct port_spec *spec);

/* SPDX-License-Identifier: Apache-2.0 */
/* The first and the last line of a stream of events: see events.c. */
#pragma once

#include <stdbool.h>

struct api_info;
struct api_ports;

/*
 * snapshot_encode() - the first line for a new client: the current state, which later events change
 * snapshot_dropped() - the last line for a client that reads too slowly
 *
 * Both return a new string, or NULL when out of memory.
 */
char *snapshot_encode(const struct api_info *info, const struct api_ports *ports, bool network_up);
char *snapshot_dropped(void);

/* SPDX-License-Identifier: Apache-2.0 */
/* The trials of --check: a rehearsal of the launch, and mounts that only the command makes. */
#pragma once

#include <stdbool.h>

#include "fauxroot/check/preflight.h"

/* trial_wants_storage() - is the command a daemon that mounts overlayfs or FUSE, or unknown? */
bool trial_wants_storage(const struct config *config);

/* from TRIAL_CONTAINER_PROC to TRIAL_FUSE */
#define DAEMON_TRIALS 3

/* trial_daemon() - struct rehearsal.inside: fill the array of DAEMON_TRIALS outcomes at @arg,
 * in shared memory */
void trial_daemon(void *arg);

/* SPDX-License-Identifier: Apache-2.0 */
/* What --check tries: a rehearsal of the launch, and what a launch leaves to the command. */
#pragma once

#include <stdbool.h>

#include "fauxroot/check/preflight.h"

/* trial_wants_storage() - will the command want to mount overlayfs or a FUSE file system? */
bool trial_wants_storage(const struct config *config);

/* TRIAL_CONTAINER_PROC and those after it up to TRIAL_FUSE */
#define DAEMON_TRIALS 3

/* trial_daemon() - struct rehearsal.inside: fill the array of DAEMON_TRIALS outcomes at @arg,
 * which are in shared memory */
void trial_daemon(void *arg);

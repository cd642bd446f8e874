/* SPDX-License-Identifier: Apache-2.0 */
/* The trials of --check: a rehearsal of the launch, and mounts that only the command makes. */
#pragma once

#include <stdbool.h>

#include "fauxroot/check/preflight.h"

/* trial_wants_storage() - is the command a daemon that mounts overlayfs or FUSE, or unknown? */
bool trial_wants_storage(const struct config *config);

/* from TRIAL_CONTAINER_PROC to TRIAL_DATA */
#define DAEMON_TRIALS (TRIAL_DATA - TRIAL_CONTAINER_PROC + 1)

/*
 * trial_data_dir() - the directory in which the command keeps images: from its options, or else
 * XDG_DATA_HOME or its default
 *
 * Returns false if it is unknown, or does not fit.
 */
bool trial_data_dir(const struct config *config, char *buf, size_t size);

/* trial_daemon() - struct rehearsal.inside: fill the array of DAEMON_TRIALS outcomes at @arg,
 * in shared memory. The note of the last one is the data directory; "": do not try it */
void trial_daemon(void *arg);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exit statuses of the launcher. As fauxroot it uses the statuses of env(1) and of shells. As
 * rootlesskit it uses RootlessKit's: 1 for every failure of the launcher, 255 for a target that was
 * killed by a signal.
 */
#pragma once

#include "fauxroot/config/config.h"

struct error;

#define STATUS_LAUNCH_FAILED   125 /* the launcher failed: the target did not run, or was killed */
#define STATUS_NOT_EXECUTABLE  126 /* the target exists and cannot be executed */
#define STATUS_NOT_FOUND       127 /* the target does not exist */
#define STATUS_SIGNAL_BASE     128 /* plus the number of the signal that killed the target */
#define STATUS_COMPAT_FAILED   1
#define STATUS_COMPAT_SIGNALED 255

/* status_of_failure() - the status for the failure @err: as fauxroot, STATUS_NOT_FOUND or
 * STATUS_NOT_EXECUTABLE at STEP_EXEC, else STATUS_LAUNCH_FAILED */
int status_of_failure(enum persona persona, const struct error *err);

/* status_of_target() - the status for a target that exited with @wait_status (man 2 waitpid) */
int status_of_target(enum persona persona, int wait_status);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exit statuses of the launcher. Under its own name those of env(1) and of shells; in compatible
 * clothes RootlessKit's: 1 for every failure of ours, 255 for a target that a signal has killed.
 */
#pragma once

#include "fauxroot/config/config.h"

struct error;

#define STATUS_LAUNCH_FAILED   125 /* the launcher failed; the target has not run, or was ended */
#define STATUS_NOT_EXECUTABLE  126 /* the target is there and cannot be executed */
#define STATUS_NOT_FOUND       127 /* the target is not there */
#define STATUS_SIGNAL_BASE     128 /* plus the number of the signal that killed the target */
#define STATUS_COMPAT_FAILED   1
#define STATUS_COMPAT_SIGNALED 255

/* status_of_failure() - for the failure @err: at STEP_EXEC the target's fault, else ours */
int status_of_failure(enum persona persona, const struct error *err);

/* status_of_target() - for a target that has ended with @wait_status (man 2 waitpid) */
int status_of_target(enum persona persona, int wait_status);

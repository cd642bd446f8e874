/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct error;
struct signals;

/*
 * target_exec() - the last step of the child, or of a child of init: become the command
 *
 * Finds it in PATH, gives it the caller's signal mask, executes it. Returns -errno at STEP_EXEC.
 */
int target_exec(char **command, const struct signals *signals, struct error *err);

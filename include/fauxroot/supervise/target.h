/* SPDX-License-Identifier: Apache-2.0 */
/* The execution of the command. */
#pragma once

struct error;
struct signals;

/*
 * target_exec() - the last step of the child, or of init's child: execute the command
 *
 * Searches the command in PATH, restores the caller's signal mask, and executes the command.
 * Returns only after a failure: -errno at STEP_EXEC with REASON_EXEC.
 */
int target_exec(char **command, const struct signals *signals, struct error *err);

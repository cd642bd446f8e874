/* SPDX-License-Identifier: Apache-2.0 */
/* Test whether a command can be executed. */
#pragma once

struct error;

/*
 * exec_try() - would execve(2) of @command succeed? The command does not run.
 *
 * May block forever on a file system that hangs, so call it in a process that may. Returns 0, also
 * if the result cannot be observed, or -errno at step STEP_EXEC.
 */
int exec_try(char **command, struct error *err);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct error;

/*
 * exec_try() - would @command be executed? It is not run.
 *
 * For a process that may wait for ever on a file system that hangs. Returns 0, also where that
 * cannot be seen, or -errno at step STEP_EXEC.
 */
int exec_try(char **command, struct error *err);

/* SPDX-License-Identifier: Apache-2.0 */
/* Reaping our children: waitpid(2) that never blocks. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/*
 * reap_next() - reap one child that has exited, or report one that has stopped
 * @which: its PID; -1 for any
 * @ret_status: as waitpid(2) reports it
 *
 * Never blocks. Returns false if there is no further child to report.
 */
bool reap_next(pid_t which, pid_t *ret_pid, int *ret_status);

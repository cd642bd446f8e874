/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/*
 * reap_next() - take one child that has ended, or has stopped
 * @which: its PID; -1 for any
 * @ret_status: in the form of waitpid(2)
 *
 * Never blocks, never waits for the living. Returns false when there is nothing more to take.
 */
bool reap_next(pid_t which, pid_t *ret_pid, int *ret_status);

/* SPDX-License-Identifier: Apache-2.0 */
/* Reaping: the launcher is a subreaper, so the target's orphans become its children. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct error;

/* reap_adopt_orphans() - PR_SET_CHILD_SUBREAPER (man 2 prctl); 0 or -errno */
int reap_adopt_orphans(struct error *err);

/*
 * reap_next() - take one child that has ended, or has stopped
 * @which: its PID; -1 for any
 * @ret_status: in the form of waitpid(2)
 *
 * Never blocks, never waits for the living. Returns false when there is nothing more to take.
 */
bool reap_next(pid_t which, pid_t *ret_pid, int *ret_status);

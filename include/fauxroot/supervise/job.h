/* SPDX-License-Identifier: Apache-2.0 */
/* Job control: the shell that has started us sees us in the place of the command. */
#pragma once

#include <stdbool.h>

struct process;

/*
 * job_stop() - stop this process, as the command has stopped
 * @command: as we see it. If it ends, or is continued past us, we go on, too: so it must be a
 *	process of our own /proc. Without a pidfd nobody looks after it meanwhile
 *
 * All signals must be blocked. Where no shell waits for us (in a service, or under a terminal that
 * has none) nobody would continue us, and we do not stop. Returns true where we have stopped and
 * were continued; a SIGCONT that came from elsewhere is then pending still.
 */
bool job_stop(const struct process *command);

/*
 * job_is_stopped() - does /proc show @command stopped?
 *
 * What cannot be seen, for /proc is not ours to read or shows another PID namespace, counts as
 * stopped.
 */
bool job_is_stopped(const struct process *command);

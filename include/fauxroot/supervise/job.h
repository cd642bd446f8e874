/* SPDX-License-Identifier: Apache-2.0 */
/* Job control: the shell that started us sees our process as the job, not the command. */
#pragma once

#include <stdbool.h>

struct process;

/*
 * job_stop() - stop this process, because the command has stopped
 * @command: the command, with its PID in our own /proc. We continue when it exits, or when another
 *	process continues it but not us. Without a pidfd nothing observes the command while we are
 *	stopped
 *
 * All signals must be blocked. If no shell waits for us (in a service, or on a terminal without a
 * shell), nothing would continue us, so we do not stop. Returns true if we stopped and were
 * continued. A SIGCONT from another process is then still pending.
 */
bool job_stop(const struct process *command);

/*
 * job_is_stopped() - does /proc show @command as stopped?
 *
 * Returns true as well if it cannot be seen, because /proc is not readable or shows another PID
 * namespace.
 */
bool job_is_stopped(const struct process *command);

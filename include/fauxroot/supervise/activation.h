/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a service manager says to one process, by its PID, across our fork: socket activation (man 3
 * sd_listen_fds), the watchdog (man 3 sd_watchdog_enabled), and who was executed (man 5
 * systemd.exec).
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/*
 * activation_is_for() - do LISTEN_PID and LISTEN_FDS of our environment address the process @pid?
 *
 * LISTEN_PID must be exactly @pid, LISTEN_FDS a positive number, and those descriptors from 3 up
 * must be open. Otherwise both variables are somebody else's, and are left as they are.
 */
bool activation_is_for(pid_t pid);

/*
 * activation_retarget() - let what our environment says to the process @from be said to @to
 * @activated: activation_is_for(@from), from before descriptors of ours could pass for its own
 *
 * LISTEN_PID if @activated; WATCHDOG_PID and SYSTEMD_EXEC_PID where they are @from. One that is
 * somebody else's and yet reads @to, a number that comes again where @to is counted in a PID
 * namespace of its own, is removed; all else is left alone. LISTEN_PIDFDID (systemd 258) identifies
 * the process @from beyond its number: it goes, and the reader makes do with LISTEN_PID. Returns 0
 * or -ENOMEM.
 */
int activation_retarget(bool activated, pid_t from, pid_t to);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Variables of a service manager that address one process by its PID, and their transfer from the
 * launcher to the target: socket activation (man 3 sd_listen_fds), the watchdog (man 3
 * sd_watchdog_enabled), and the executed process (man 5 systemd.exec).
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/*
 * activation_is_for() - do LISTEN_PID and LISTEN_FDS of our environment address the process @pid?
 *
 * LISTEN_PID must be exactly @pid, LISTEN_FDS must be a positive number, and that many descriptors
 * from 3 up must be open. Otherwise both variables are for another process and stay unchanged.
 */
bool activation_is_for(pid_t pid);

/*
 * activation_retarget() - change the variables that address the process @from, so that they address
 * @to
 * @activated: the result of activation_is_for(@from) from an early call, before our own descriptors
 *	could be mistaken for the passed ones
 *
 * Changes LISTEN_PID if @activated, and WATCHDOG_PID and SYSTEMD_EXEC_PID if they are @from. A
 * variable for another process can be equal to @to by chance, if @to is a number of another PID
 * namespace; it is removed. All other variables stay. LISTEN_PIDFDID (systemd 258) identifies the
 * process @from by more than its number, so it is removed; readers then use LISTEN_PID. Returns 0
 * or -ENOMEM.
 */
int activation_retarget(bool activated, pid_t from, pid_t to);

/* SPDX-License-Identifier: Apache-2.0 */
/* Socket activation (man 3 sd_listen_fds) across our fork. */
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

/* activation_retarget() - set LISTEN_PID to @pid in our environment; 0 or -errno */
int activation_retarget(pid_t pid);

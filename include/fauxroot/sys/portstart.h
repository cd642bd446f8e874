/* SPDX-License-Identifier: Apache-2.0 */
/* Which ports an ordinary user may bind. */
#pragma once

/*
 * unprivileged_port_start() - the first port for which no capability is needed
 *
 * net.ipv4.ip_unprivileged_port_start of the calling process's network namespace, which is for IPv6
 * as well; 1024 where it cannot be read, as before Linux 4.11 (man 7 ip).
 */
unsigned unprivileged_port_start(void);

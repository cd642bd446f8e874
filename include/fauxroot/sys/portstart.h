/* SPDX-License-Identifier: Apache-2.0 */
/* The ports that an unprivileged user may bind. */
#pragma once

/*
 * unprivileged_port_start() - the first port that needs no capability
 *
 * Reads net.ipv4.ip_unprivileged_port_start of the calling process's network namespace, which also
 * applies to IPv6. Returns 1024 if it cannot be read, as before Linux 4.11 (man 7 ip).
 */
unsigned unprivileged_port_start(void);

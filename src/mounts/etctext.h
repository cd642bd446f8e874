/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of the child's resolv.conf and hosts, composed from the host's. No system calls. */
#pragma once

#include <stddef.h>

#include "fauxroot/base/str.h"

/*
 * resolvconf_compose() - the text of the child's resolv.conf (man 5 resolv.conf)
 * @host: text of the host's, @size bytes, in whatever state
 * @dns: addresses for the nameserver lines, in order
 *
 * Then come the last search or domain line of the host's, and all its options on one line. Returns
 * a fresh string of whole lines, NULL when out of memory.
 */
char *resolvconf_compose(const char *host, size_t size, const struct strv *dns);

/*
 * hosts_compose() - the text of the child's hosts (man 5 hosts)
 * @host: text of the host's, @size bytes, in whatever state
 * @hostname: name of this machine
 *
 * All lines of the host's stand. Where the first line that has @hostname with an IPv4 address is
 * not one of 127.0.0.0/8, a line of 127.0.0.1 is put before them; likewise ::1. It has the names of
 * that line, the canonical one first, or of the other family's; where the host has none, @hostname
 * alone. "localhost" gets such lines where the host has it at no address. Returns a fresh string of
 * whole lines, NULL when out of memory.
 */
char *hosts_compose(const char *host, size_t size, const char *hostname);

/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of the child's resolv.conf and hosts, composed from the host's. No system calls. */
#pragma once

#include <stddef.h>

#include "fauxroot/base/str.h"

/*
 * resolvconf_compose() - the text of the child's resolv.conf (man 5 resolv.conf)
 * @host: text of the host's file, @size bytes; it may be invalid
 * @dns: addresses for the nameserver lines, in order
 *
 * After the nameserver lines follow the host's last search or domain line, and all its options on
 * one line. Returns a new string of complete lines, NULL when out of memory.
 */
char *resolvconf_compose(const char *host, size_t size, const struct strv *dns);

/*
 * hosts_compose() - the text of the child's hosts (man 5 hosts)
 * @host: text of the host's file, @size bytes; it may be invalid
 * @hostname: name of this machine
 *
 * All lines of the host's file stay. If the first line with an IPv4 address and @hostname has no
 * address in 127.0.0.0/8, a line with 127.0.0.1 is added in front; likewise ::1 for IPv6. The added
 * line has the names of that first line, the canonical name first. If there is no such line, it has
 * the names of the other family's line, or only @hostname. "localhost" gets such lines if the
 * host's file has no address for it. Returns a new string of complete lines, NULL when out of
 * memory.
 */
char *hosts_compose(const char *host, size_t size, const char *hostname);

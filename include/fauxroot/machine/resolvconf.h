/* SPDX-License-Identifier: Apache-2.0 */
/* The name servers of a resolv.conf (man 5 resolv.conf). */
#pragma once

#include <stddef.h>

#include "fauxroot/config/portspec.h"

/*
 * resolvconf_servers() - list the name servers of a resolv.conf
 * @text, @size: its content, which may be invalid
 * @index_of: returns the index of a network interface, or 0 if there is none, as
 *	if_nametoindex(3); for "fe80::1%eth0"
 * @port: the port of the results, in host byte order
 * @ret: room for @max addresses
 *
 * Lines are read as the C library's resolver reads them, but not only the first three: the keyword
 * begins the line, and white space or a control character follows. Lines with an invalid address,
 * and repeated addresses, are skipped. If there is no server, the result is 127.0.0.1, as in the
 * resolver. Returns the number of addresses, at least 1.
 */
size_t resolvconf_servers(const char *text, size_t size, unsigned (*index_of)(const char *name),
			  uint16_t port, union endpoint *ret, size_t max);

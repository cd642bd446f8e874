/* SPDX-License-Identifier: Apache-2.0 */
/* The name servers of a resolv.conf (man 5 resolv.conf). */
#pragma once

#include <stddef.h>

#include "fauxroot/config/portspec.h"

/*
 * resolvconf_servers() - list the name servers of a resolv.conf
 * @text, @size: its content, maybe invalid
 * @index_of: the index of a network interface, 0: there is none; as if_nametoindex(3). For
 *	"fe80::1%eth0"
 * @port: of the result
 * @ret: @max addresses
 *
 * Lines are read as the C library's resolver reads them, but not only the first three: the keyword
 * begins the line, and white space or a control character follows. Lines with an invalid address,
 * and repeated addresses, are skipped. If there is no server, it is the one on this machine,
 * 127.0.0.1, as for the resolver. Returns their number, at least 1.
 */
size_t resolvconf_servers(const char *text, size_t size, unsigned (*index_of)(const char *name),
			  uint16_t port, union endpoint *ret, size_t max);

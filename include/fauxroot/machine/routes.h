/* SPDX-License-Identifier: Apache-2.0 */
/* The IPv4 networks that this machine reaches, by the kernel's list of routes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "fauxroot/config/config.h"
#include "fauxroot/machine/machine.h"

/*
 * routes_overlap() - does this machine have a route into @network, or an address in it?
 * @buf: the first route or address found: "10.0.2.0/24", "10.0.2.15/32"
 *
 * Reads all routing tables of our network namespace: /proc/self/net/fib_trie. Routes wider than /8
 * do not count, because default routes are split that way. The network of routes_virtual() does not
 * count either. Returns false if nothing overlaps, if the file cannot be read, or if it is larger
 * than 1 MiB.
 */
bool routes_overlap(const struct machine *machine, const struct cidr *network, char *buf,
		    size_t size);

/*
 * routes_virtual() - is this a virtual machine with the user-mode network of QEMU or VirtualBox?
 *
 * Such a machine has the address 10.0.2.15. Its network 10.0.2.0/24 has only a gateway and a name
 * server. A command whose network is the same finds its own gateway and name server there, so it
 * loses nothing.
 */
bool routes_virtual(const struct machine *machine);

/* routes_free() - find a private network of 256 addresses that overlaps no route; false if there is
 * none, or the routes cannot be read */
bool routes_free(const struct machine *machine, struct cidr *ret);

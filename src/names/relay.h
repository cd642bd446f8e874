/* SPDX-License-Identifier: Apache-2.0 */
/* The process "fauxroot: names". See relay.c. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct error;
struct process;

/* The sockets in the child's network, by family: IPv4 first. -1: there is none. */
enum { NAMES_FAMILIES = 2 };

struct relay_sockets {
	int udp[NAMES_FAMILIES], tcp[NAMES_FAMILIES];
};

/*
 * relay_start() - fork the process
 * @sockets: listening; the caller keeps them
 * @destinations: memfd with the addresses of the name servers: proc/destinations.h
 * @slots, @n: the slots of the servers in it, in order
 * @ret_control: the launcher's socket for protocol.h, non-blocking
 *
 * Returns 0 or -errno.
 */
int relay_start(const struct relay_sockets *sockets, int destinations, const uint32_t *slots,
		size_t n, struct process *ret, int *ret_control, struct error *err);

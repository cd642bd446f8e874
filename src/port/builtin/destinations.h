/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the forwarder may connect to: the addresses of published ports inside the child's network.
 *
 * The launcher writes them into memory that the forwarder can only read, at a place that its
 * seccomp filter knows: connect(2) is allowed with an address of that memory and with no other.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "fauxroot/config/portspec.h"

struct error;

/* The launcher's. */
struct destinations {
	int fd; /* of the memory */
	struct destination *items;
	uint32_t n, room;
};

/* destinations_open() - without any; 0 or -errno (man 2 memfd_create) */
int destinations_open(struct destinations *ret, struct error *err);

/*
 * destinations_add() - the forwarder may connect to @e
 * @ret_slot: its number, which destinations_drop() takes back; ports to one address share it
 *
 * Returns 0, -ENOSPC (there are more than 30,000), -errno.
 */
int destinations_add(struct destinations *d, const union endpoint *e, uint32_t *ret_slot,
		     struct error *err);
void destinations_drop(struct destinations *d, uint32_t slot);

/* destinations_close() - accepts one that was never opened, with fd -1 */
void destinations_close(struct destinations *d);

/*
 * destinations_map() - the forwarder's side, before its filter is there
 * @fd: destinations.fd; it is not needed any more then
 *
 * Returns 0 or -errno.
 */
int destinations_map(int fd, struct error *err);

/* destination_at() - that of a slot, in the memory that the filter knows; NULL: there is no such
 * slot
 */
const union endpoint *destination_at(uint32_t slot);

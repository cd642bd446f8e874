/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The addresses that a forwarder or the name service may connect to: published ports in the child's
 * network, services of the host, name servers. "The forwarder" below stands for each such process.
 *
 * The launcher writes the addresses into memory that the forwarder can only read. The forwarder
 * maps this memory at a fixed address. Its seccomp filter allows connect(2) only with a pointer
 * into that memory.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "fauxroot/config/portspec.h"

struct error;

/* The launcher's side. */
struct destinations {
	int fd; /* the memfd with the addresses */
	struct destination *items;
	uint32_t n, room;
	uint32_t page_slots; /* in a page of memory; the file grows by pages */
};

/* destinations_open() - create the memory, without addresses; 0 or -errno (man 2 memfd_create) */
int destinations_open(struct destinations *ret, struct error *err);

/*
 * destinations_add() - allow the forwarder to connect to @e
 * destinations_drop() - undo one destinations_add()
 * @ret_slot: number of the address, for destinations_drop(); ports to one address share a slot
 *
 * Returns 0, -ENOSPC (more than 30,000 addresses), or another -errno.
 */
int destinations_add(struct destinations *d, const union endpoint *e, uint32_t *ret_slot,
		     struct error *err);
void destinations_drop(struct destinations *d, uint32_t slot);

/*
 * destinations_add_path() - allow the forwarder to connect to the UNIX socket at @path
 * @path: 1…107 bytes
 *
 * It takes four slots; undo it with destinations_drop(). The forwarder chooses how many bytes of
 * the path it uses, so a beginning of the path is allowed, too. Returns as destinations_add().
 */
int destinations_add_path(struct destinations *d, const char *path, uint32_t *ret_slot,
			  struct error *err);

/* destinations_close() - release the memory; accepts a struct that is all-zero except for fd -1 */
void destinations_close(struct destinations *d);

/*
 * destinations_map() - map the memory in the forwarder, before its filter is loaded
 * @fd: destinations.fd; the caller may close it afterwards
 *
 * Returns 0 or -errno.
 */
int destinations_map(int fd, struct error *err);

/* destination_at() - the address in @slot, in the memory that the filter accepts; NULL: no such
 * slot */
const union endpoint *destination_at(uint32_t slot);

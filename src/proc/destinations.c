/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * An attacker who takes over the forwarder has the sockets of clients, which belong to the
 * host's network. An attacker who takes over the name service can make such sockets. With
 * connect(2) to AF_UNSPEC and then to 127.0.0.1 these sockets would reach services on the host's
 * loopback. seccomp cannot read an address in memory, but it can compare the pointer. So the
 * addresses are in memory at a fixed address, one per slot. The filter allows connect(2) only
 * with a pointer to the start of a slot, and forbids calls that would map other memory there.
 *
 * The address of a UNIX socket takes four slots, and the filter allows pointers to each of them.
 * The last three contain bytes of the path, without a NUL, and 0xff after its end. Two such bytes
 * are no address family that a kernel knows.
 *
 * Zeros would mean AF_UNSPEC, so free slots contain an address family that does not exist. The file
 * grows by whole pages, of the size that this kernel has: the rest of a page would be zeros. Beyond
 * the last page connect(2) fails with EFAULT.
 *
 * The memory is below all other mappings, and above the range that vm.mmap_min_addr reserves. A
 * call that unmaps or replaces a range of memory can only reach it if the range starts below its
 * end, and the filter can check that.
 */
#include "fauxroot/proc/destinations.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/un.h>
#include <unistd.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/sys/seccomp.h"

#define SLOTS	    (DESTINATIONS_BYTES / DESTINATION_BYTES)
#define FAMILY_NONE 0xffff

struct destination {
	union endpoint e;
	unsigned users;
	char *path; /* of a UNIX socket, in the first of its slots; else NULL */
};

/* The slots of a UNIX socket's address. */
#define PATH_SLOTS 4U

static_assert(sizeof(union endpoint) <= DESTINATION_BYTES, "an address fits in a slot");
static_assert(sizeof(struct sockaddr_un) <= (size_t)PATH_SLOTS * DESTINATION_BYTES,
	      "a path fits, too");
static_assert(DESTINATIONS_BYTES % (64U << 10) == 0, "pages of each size fill the mapping");

/* Write slots from @slot on. */
static int write_slots(const struct destinations *d, uint32_t slot, const void *data, size_t size)
{
	ssize_t n = pwrite(d->fd, data, size, (off_t)slot * (off_t)DESTINATION_BYTES);

	if (n < 0)
		return -errno;
	return (size_t)n == size ? 0 : -EIO;
}

static int write_slot(const struct destinations *d, uint32_t slot, const union endpoint *e)
{
	char data[DESTINATION_BYTES] = {0};

	memcpy(data, e, sizeof(*e));
	return write_slots(d, slot, data, sizeof(data));
}

static union endpoint no_endpoint(void)
{
	union endpoint none;

	memset(&none, 0, sizeof(none));
	none.sa.sa_family = FAMILY_NONE;
	return none;
}

static int grow(struct destinations *d)
{
	const size_t size = (size_t)d->page_slots * DESTINATION_BYTES;
	_cleanup_free_ char *data = NULL;
	union endpoint none = no_endpoint();
	struct destination *items;
	int rc;

	if (d->room == SLOTS)
		return -ENOSPC;
	items = realloc(d->items, (d->room + d->page_slots) * sizeof(*items));
	if (!items)
		return -ENOMEM;
	d->items = items;
	data = calloc(1, size);
	if (!data)
		return -ENOMEM;
	for (uint32_t i = 0; i < d->page_slots; i++)
		memcpy(data + (size_t)i * DESTINATION_BYTES, &none, sizeof(none));
	rc = write_slots(d, d->room, data, size);
	if (rc < 0)
		return rc;
	memset(d->items + d->room, 0, d->page_slots * sizeof(*items));
	d->room += d->page_slots;
	return 0;
}

int destinations_open(struct destinations *ret, struct error *err)
{
	struct destinations d = {
		.fd = fd_memory("destinations"),
		.page_slots = (uint32_t)sysconf(_SC_PAGESIZE) / DESTINATION_BYTES,
	};

	if (d.fd < 0)
		return err_set(err, -d.fd, "making memory for permitted addresses");
	*ret = d;
	return 0;
}

/* Returns the slot of @e, else a free one, else the number of slots. */
static uint32_t find(const struct destinations *d, const union endpoint *e)
{
	uint32_t found = d->n;

	for (uint32_t i = 0; i < d->n; i++) {
		if (d->items[i].users == 0)
			found = MIN(found, i);
		else if (endpoint_equal(&d->items[i].e, e))
			return i;
	}
	return found;
}

int destinations_add(struct destinations *d, const union endpoint *e, uint32_t *ret_slot,
		     struct error *err)
{
	uint32_t slot = find(d, e);
	int rc = slot < d->room ? 0 : grow(d);

	if (rc == 0 && (slot == d->n || d->items[slot].users == 0))
		rc = write_slot(d, slot, e);
	if (rc < 0)
		return err_set(err, -rc, "permitting an address");
	if (slot == d->n)
		d->n++;
	d->items[slot].e = *e;
	d->items[slot].users++;
	*ret_slot = slot;
	return 0;
}

/* Write the slots of a UNIX socket's address. */
static int write_path(const struct destinations *d, uint32_t slot, const char *path)
{
	const sa_family_t family = AF_UNIX;
	char data[(size_t)PATH_SLOTS * DESTINATION_BYTES];

	memset(data, 0xff, sizeof(data));
	memcpy(data, &family, sizeof(family));
	memcpy(data + offsetof(struct sockaddr_un, sun_path), path, strlen(path));
	return write_slots(d, slot, data, sizeof(data));
}

/* Returns the slot of @path; if there is none, the first of PATH_SLOTS free ones, or the number of
 * slots. */
static uint32_t find_path(const struct destinations *d, const char *path)
{
	uint32_t found = d->n, run = 0;

	for (uint32_t i = 0; i < d->n; i++) {
		if (d->items[i].path && strcmp(d->items[i].path, path) == 0)
			return i;
		run = d->items[i].users == 0 ? run + 1 : 0;
		if (run == PATH_SLOTS && found == d->n)
			found = i + 1 - PATH_SLOTS;
	}
	return found;
}

int destinations_add_path(struct destinations *d, const char *path, uint32_t *ret_slot,
			  struct error *err)
{
	uint32_t slot = find_path(d, path);
	int rc = slot + PATH_SLOTS <= d->room ? 0 : grow(d);
	_cleanup_free_ char *copy = NULL;

	if (rc == 0 && slot < d->n && d->items[slot].path) {
		d->items[slot].users++;
		*ret_slot = slot;
		return 0;
	}
	copy = rc == 0 ? strdup(path) : NULL;
	if (rc == 0)
		rc = copy ? write_path(d, slot, path) : -ENOMEM;
	if (rc < 0)
		return err_set(err, -rc, "permitting a path");
	for (uint32_t i = slot; i < slot + PATH_SLOTS; i++)
		d->items[i] = (struct destination){.e = no_endpoint(), .users = 1};
	d->items[slot].path = TAKE_PTR(copy);
	d->n = MAX(d->n, slot + PATH_SLOTS);
	*ret_slot = slot;
	return 0;
}

static void drop_path(struct destinations *d, uint32_t slot)
{
	union endpoint none = no_endpoint();

	if (--d->items[slot].users > 0)
		return;
	free(TAKE_PTR(d->items[slot].path));
	for (uint32_t i = slot; i < slot + PATH_SLOTS; i++) {
		d->items[i].users = 0;
		(void)write_slot(d, i, &none);
	}
}

void destinations_drop(struct destinations *d, uint32_t slot)
{
	union endpoint none = no_endpoint();

	if (d->items[slot].path) {
		drop_path(d, slot);
		return;
	}
	/* If this fails, the forwarder may still connect to an address that was allowed before. */
	if (--d->items[slot].users == 0)
		(void)write_slot(d, slot, &none);
}

void destinations_close(struct destinations *d)
{
	d->fd = fd_close(d->fd);
	for (uint32_t i = 0; i < d->n; i++)
		free(d->items[i].path);
	free(TAKE_PTR(d->items));
	d->n = d->room = 0;
}

int destinations_map(int fd, struct error *err)
{
	void *base = (void *)(uintptr_t)DESTINATIONS_BASE;
	void *at =
		mmap(base, DESTINATIONS_BYTES, PROT_READ, MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0);

	/* The mapping stays until the process exits. */
	/* cppcheck-suppress memleak */
	return at == base ? 0 : err_set(err, errno, "mapping the permitted addresses");
}

const union endpoint *destination_at(uint32_t slot)
{
	if (slot >= SLOTS)
		return NULL;
	return (const union endpoint *)((uintptr_t)DESTINATIONS_BASE +
					(uintptr_t)slot * DESTINATION_BYTES);
}

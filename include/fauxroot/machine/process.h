/* SPDX-License-Identifier: Apache-2.0 */
/* This process, from /proc/self: status and id maps (man 5 proc, man 7 user_namespaces). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fauxroot/base/parse.h"

struct machine;

/* machine_status() - copy one field of /proc/self/status, for example "NoNewPrivs"; false if it is
 * missing or does not fit */
bool machine_status(const struct machine *machine, const char *field, char *buf, size_t size);

/* machine_uid(), machine_gid() - our effective ids; UINT32_MAX: unknown */
uint32_t machine_uid(const struct machine *machine);
uint32_t machine_gid(const struct machine *machine);

/* machine_lacks_cap() - is the capability @cap (CAP_…) missing in our bounding set, so that no
 * setuid program that we start can have it? False if /proc does not show that. */
bool machine_lacks_cap(const struct machine *machine, unsigned cap);

/* machine_has_cap() - do we have @cap in our effective set? False if /proc does not show that. */
bool machine_has_cap(const struct machine *machine, unsigned cap);

/* One line of a uid_map or gid_map. */
struct id_extent {
	uint32_t inside, outside, count;
};

/* idmap_next() - read the next line of a uid_map or gid_map; malformed lines are skipped; false at
 * the end of @text */
bool idmap_next(struct cursor *text, struct id_extent *ret);

/* machine_maps_until() - the first id from @first on that is not mapped in our own /proc/self/@file
 * ("uid_map"); UINT64_MAX if the file cannot be read */
uint64_t machine_maps_until(const struct machine *machine, const char *file, uint64_t first);

/* machine_maps() - are all @count ids from @first on mapped in our own /proc/self/@file? */
bool machine_maps(const struct machine *machine, const char *file, uint32_t first, uint32_t count);

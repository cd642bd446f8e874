/* SPDX-License-Identifier: Apache-2.0 */
/* What /proc/self says of this process: status, id maps (man 5 proc, man 7 user_namespaces). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fauxroot/base/parse.h"

struct machine;

/* machine_status() - the value of one field of /proc/self/status: "NoNewPrivs", "CapBnd" */
bool machine_status(const struct machine *machine, const char *field, char *buf, size_t size);

/* machine_uid(), machine_gid() - our effective ids; UINT32_MAX where they are unknown */
uint32_t machine_uid(const struct machine *machine);
uint32_t machine_gid(const struct machine *machine);

/* machine_lacks_cap() - is the capability outside our bounding set, so that no setuid program of
 * ours can have it? False where that is not known. */
bool machine_lacks_cap(const struct machine *machine, unsigned cap);

/* One line of a uid_map or gid_map. */
struct id_extent {
	uint32_t inside, outside, count;
};

/* idmap_next() - take the next line of a uid_map that is well-formed; false at the end of @text */
bool idmap_next(struct cursor *text, struct id_extent *ret);

/* machine_maps_until() - the first id from @first on that our own /proc/self/@file lacks */
uint64_t machine_maps_until(const struct machine *machine, const char *file, uint64_t first);

/* machine_maps() - are all of @count ids from @first in our own /proc/self/@file (uid_map)? */
bool machine_maps(const struct machine *machine, const char *file, uint32_t first, uint32_t count);

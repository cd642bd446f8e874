/* SPDX-License-Identifier: Apache-2.0 */
/* Subordinate ids for --idmap=fit: only the ids that our own user namespace has. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fauxroot/idmap/subid.h"

struct error;
struct machine;

/*
 * struct fit - what limits the ids
 * @machine: its /proc/self/uid_map and gid_map have the ids of our user namespace
 * @own: our effective uid and gid
 * @direct: we can write maps ourselves, so we need no subordinate ids
 */
struct fit {
	const struct machine *machine;
	uint32_t own[SUBID_KINDS_];
	bool direct;
};

/*
 * fit_is_free() - may all ids of our user namespace be mapped, with or without subordinate ids?
 *
 * They may if we can write maps ourselves, and the namespace does not have all ids of the machine.
 */
bool fit_is_free(const struct fit *fit);

/*
 * fit_ranges() - leave out the ids that our user namespace does not have
 * @ranges: array of SUBID_KINDS_ elements; changed. The source may change to one of the maps
 *
 * Each remaining range lies within one line of our own map, as the kernel requires of the lines of
 * a child's map (man 7 user_namespaces). If nothing remains for one of the kinds, and
 * fit_is_free(), both kinds get all ids of our user namespace but @own.
 *
 * Returns 0; -EPERM: no id of the ranges is in our user namespace; -ENOENT: there were no ranges,
 * and our user namespace has no id but our own; -ENOMEM.
 */
int fit_ranges(const struct fit *fit, struct subid_ranges *ranges, struct error *err);

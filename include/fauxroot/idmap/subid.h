/* SPDX-License-Identifier: Apache-2.0 */
/* Subordinate ids of a user, from where the machine has them: subid_load(). */
#pragma once

#include <sys/types.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/config/config.h"
#include "fauxroot/machine/subid.h"

struct error;

enum subid_kind { SUBID_UID = 0, SUBID_GID, SUBID_KINDS_ };

/*
 * subid_load() - both kinds of ranges of the user @uid, found by name and by number
 * @deadline, @cancel_fd: as fd_wait(), for getsubids, which may ask a server; the two of them run
 *	side by side
 * @ret: SUBID_KINDS_ of them, indexed by enum subid_kind
 *
 * Returns 0 with at least one range each, -ENOENT where there is none, -EINVAL for bad lines,
 * -ETIMEDOUT, -ECANCELED, or what running getsubids gave.
 */
int subid_load(enum subid_source source, uid_t uid, const struct deadline *deadline, int cancel_fd,
	       struct subid_ranges *ret, struct error *err);

/* SPDX-License-Identifier: Apache-2.0 */
/* Subordinate ids of a user, from the source that the machine uses: subid_load(). */
#pragma once

#include <sys/types.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/config/config.h"
#include "fauxroot/machine/subid.h"

struct error;

enum subid_kind { SUBID_UID = 0, SUBID_GID, SUBID_KINDS_ };

/*
 * subid_load() - get the uid and gid ranges of the user @uid, searched by name and by number
 * @deadline, @cancel_fd: as fd_wait(), for getsubids, which may contact a server; its two runs are
 * parallel
 * @ret: array of SUBID_KINDS_ elements, indexed by enum subid_kind
 *
 * Returns 0 with at least one range of each kind, -ENOENT if there is none, -EINVAL for invalid
 * lines, -ETIMEDOUT, -ECANCELED, or the -errno of running getsubids.
 */
int subid_load(enum subid_source source, uid_t uid, const struct deadline *deadline, int cancel_fd,
	       struct subid_ranges *ret, struct error *err);

/* SPDX-License-Identifier: Apache-2.0 */
/* Private to idmap/: where subid_load() reads, so that the unit tests can name another root. */
#pragma once

#include "fauxroot/idmap/subid.h"

struct machine;

/* subid_load_from() - as subid_load(), from the files of @machine */
int subid_load_from(const struct machine *machine, enum subid_source source, uid_t uid,
		    const struct deadline *deadline, int cancel_fd, struct subid_ranges *ret,
		    struct error *err);

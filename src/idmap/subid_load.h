/* SPDX-License-Identifier: Apache-2.0 */
/* Private to idmap/: subid_load() with another root directory, for the unit tests. */
#pragma once

#include "fauxroot/idmap/subid.h"

struct machine;

/* subid_load_from() - as subid_load(), from the files of @machine */
int subid_load_from(const struct machine *machine, enum subid_source source, uid_t uid,
		    const struct deadline *deadline, int cancel_fd, struct subid_ranges *ret,
		    struct error *err);

/* SPDX-License-Identifier: Apache-2.0 */
/* Private to idmap/: where subid_load() reads, so that the unit tests can name other files. */
#pragma once

#include "fauxroot/idmap/subid.h"

struct subid_paths {
	const char *nsswitch;
	const char *passwd;
	const char *subid[SUBID_KINDS_];
};

/* subid_load_from() - as subid_load(), from the files @paths names */
int subid_load_from(const struct subid_paths *paths, enum subid_source source, uid_t uid,
		    const struct deadline *deadline, int cancel_fd, struct subid_ranges *ret,
		    struct error *err);

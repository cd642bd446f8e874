/* SPDX-License-Identifier: Apache-2.0 */
/* Calls from a launch to its caller. */
#pragma once

#include <stdint.h>

/*
 * Callbacks to the caller during a launch. launch/ may not include check/, which has the causes and
 * remedies; the caller connects the two.
 */
struct launch_hooks {
	/* The id maps are planned. @uids, @gids: number of ids, including the caller's own. Not
	 * called with --idmap=single. */
	void (*ids_planned)(uint64_t uids, uint64_t gids);
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Subordinate ids of a user: /etc/subuid and /etc/subgid (man 5 subuid), or what getsubids(1) says
 * where nsswitch.conf names another source.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/config/config.h"

struct error;

enum subid_kind { SUBID_UID = 0, SUBID_GID, SUBID_KINDS_ };

/* More lines of one user than this are refused: the kernel takes 340 extents anyway. */
#define SUBID_MAX_RANGES 4096

/* The last id that can be mapped; 4294967295 means "none" to the kernel. */
#define SUBID_LAST 4294967294U

struct subid_range {
	uint32_t start;
	uint32_t count; /* never 0; start + count - 1 is at most SUBID_LAST */
	unsigned line;	/* in its source, from 1; for error texts */
};

struct subid_ranges {
	struct subid_range *items;
	size_t n;
	const char *source; /* "/etc/subuid", "getsubids": for error texts; not owned */
};

void subid_ranges_clear(struct subid_ranges *ranges);

#define _cleanup_subid_ranges_ _cleanup_(subid_ranges_clear)

/*
 * subid_parse_file() - the ranges that a text in the form of /etc/subuid gives one user
 * @text, @size: the file's content
 * @path: for the error's words, and the source of @ret; must outlive it
 * @name: the user's login name, NULL where it has none
 * @uid: the user's numeric id, which may stand in the first field, too
 *
 * Lines of other users and comments are passed over unread; a line of this user's must be exactly
 * OWNER:START:COUNT. Identical ranges count once. Returns 0 (also with no range found) or -EINVAL
 * with the line's number and text.
 */
int subid_parse_file(const char *text, size_t size, const char *path, const char *name, uid_t uid,
		     struct subid_ranges *ret, struct error *err);

/*
 * subid_parse_getsubids() - the ranges that getsubids(1) has printed: "0: alice 100000 65536"
 *
 * The name may hold blanks ("EXAMPLE\domain users"). Returns 0 or -EINVAL with the line.
 */
int subid_parse_getsubids(const char *text, size_t size, struct subid_ranges *ret,
			  struct error *err);

/*
 * subid_nsswitch_is_dynamic() - does the "subid:" line of an nsswitch.conf text name anything but
 * files?
 */
bool subid_nsswitch_is_dynamic(const char *text, size_t size);

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

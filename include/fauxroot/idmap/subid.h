/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Subordinate ids of a user: /etc/subuid and /etc/subgid (man 5 subuid), or what getsubids(1) says
 * where nsswitch.conf names another source.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "fauxroot/config/config.h"

struct error;

enum subid_kind {
	SUBID_UID = 0,
	SUBID_GID,
};

struct subid_range {
	uint32_t start;
	uint32_t count;
	unsigned line; /* in its file, from 1; for error texts */
};

struct subid_ranges {
	struct subid_range *items;
	size_t n;
};

void subid_ranges_clear(struct subid_ranges *ranges);

#define _cleanup_subid_ranges_ _cleanup_(subid_ranges_clear)

/*
 * subid_parse_file() - the ranges that a text in the form of /etc/subuid gives one user
 * @text, @size: the file's content
 * @path: for the error's words
 * @name: the user's login name, NULL where it has none
 * @uid: the user's numeric id, which may stand in the first field, too
 *
 * Lines of other users and comments are passed over unread; a line of this user's must be exactly
 * OWNER:START:COUNT. Identical lines count once. Returns 0 (also with no range found) or -EINVAL with
 * the line's number and text.
 */
int subid_parse_file(const char *text, size_t size, const char *path, const char *name, uid_t uid,
		     struct subid_ranges *ret, struct error *err);

/* subid_parse_getsubids() - the ranges that getsubids(1) has printed: "0: alice 100000 65536" */
int subid_parse_getsubids(const char *text, size_t size, struct subid_ranges *ret,
			  struct error *err);

/*
 * subid_nsswitch_is_dynamic() - does the "subid:" line of an nsswitch.conf text name anything but
 * files?
 */
bool subid_nsswitch_is_dynamic(const char *text, size_t size);

/*
 * subid_load() - the ranges of the user @uid, found by name and by number
 *
 * Returns 0 with at least one range, -ENOENT where there is none, -EINVAL for bad lines, or what
 * running getsubids gave.
 */
int subid_load(enum subid_kind kind, enum subid_source source, uid_t uid, struct subid_ranges *ret,
	       struct error *err);

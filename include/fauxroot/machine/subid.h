/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Subordinate ids in texts: /etc/subuid and /etc/subgid (man 5 subuid), the output of getsubids(1),
 * the line of nsswitch.conf that chooses between them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "fauxroot/base/macro.h"
#include "fauxroot/base/parse.h"

struct error;
struct machine;

/* As many ids as images use. */
#define USUAL_IDS 65536

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

/* A line of subuid(5) or subgid(5): whose it is, and the range. */
struct subid_line {
	struct cursor owner;
	uint32_t start, count;
};

/*
 * subid_next() - take the next line of @text that gives a range to anybody, whatever follows it
 *
 * Comments and lines without a range are passed over. Returns false at the end.
 */
bool subid_next(struct cursor *text, struct subid_line *ret);

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
 * machine_free_range() - USUAL_IDS subordinate ids that nobody has on this machine
 *
 * From SUB_UID_MIN of login.defs (100000) on, outside of every line of /etc/subuid and /etc/subgid
 * and every uid and gid of /etc/passwd and /etc/group, and inside our own id maps; where those have
 * no such range, as many ids as they have. False where they have none.
 */
bool machine_free_range(const struct machine *machine, uint32_t *ret_first, uint32_t *ret_count);

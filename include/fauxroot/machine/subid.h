/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parsers for subordinate ids: /etc/subuid and /etc/subgid (man 5 subuid), the output of
 * getsubids(1), and the line of nsswitch.conf that chooses between them.
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

/* The number of ids that container images use. */
#define USUAL_IDS 65536

/* The most lines of one user. The kernel accepts only 340 extents in a map. */
#define SUBID_MAX_RANGES 4096

/* The last id that can be mapped: for the kernel 4294967295 means "no id". */
#define SUBID_LAST 4294967294U

struct subid_range {
	uint32_t start;
	uint32_t count; /* never 0; start + count - 1 is at most SUBID_LAST */
	unsigned line;	/* number in the source, from 1; for error messages */
};

struct subid_ranges {
	struct subid_range *items;
	size_t n;
	const char *source; /* "/etc/subuid", "getsubids": for error messages; not owned */
	bool apart;	    /* adjacent ranges are in different lines of our own id map */
};

/* subid_ranges_clear() - free the ranges; @ranges is all-zero afterwards */
void subid_ranges_clear(struct subid_ranges *ranges);

#define _cleanup_subid_ranges_ _cleanup_(subid_ranges_clear)

/* A line of subuid(5) or subgid(5). */
struct subid_line {
	struct cursor owner;
	uint32_t start, count;
};

/*
 * subid_next() - read the next line of @text that gives a range to any user
 *
 * Comments and lines without a range are skipped; text after the range is ignored. Returns false at
 * the end.
 */
bool subid_next(struct cursor *text, struct subid_line *ret);

/*
 * subid_next_of() - as subid_next(), for two formats
 * @accounts: @text has the format of passwd(5) or group(5). The range of a line is then the one id
 *	of the account
 */
bool subid_next_of(struct cursor *text, bool accounts, struct subid_line *ret);

/*
 * subid_names() - is @owner, without blanks around it, the login name @name or the uid @number?
 * @name: NULL: the user has none
 */
bool subid_names(struct cursor owner, const char *name, const char *number);

/*
 * subid_parse_file() - parse one user's ranges from a file in the format of /etc/subuid
 * @text, @size: the file's content
 * @path: for error messages and ret->source; must outlive @ret
 * @name: the user's login name; NULL: none
 * @uid: the user's id, which the first field may have instead of the name
 *
 * Comments and lines of other users are skipped without a check. newuidmap(1) must accept each line
 * of this user: OWNER:START:COUNT, with numbers as strtoul(3) with base 0 reads them, and
 * optionally a colon and more text. If all lines of this user have a blank before or after the
 * name, that is an error: for newuidmap they belong to another user. Identical ranges count once.
 * Returns 0, also if no range is found; or -EINVAL with the line's number and text.
 */
int subid_parse_file(const char *text, size_t size, const char *path, const char *name, uid_t uid,
		     struct subid_ranges *ret, struct error *err);

/*
 * subid_parse_getsubids() - parse the output of getsubids(1): "0: alice 100000 65536"
 *
 * The name may contain blanks ("EXAMPLE\domain users"). Returns 0 or -EINVAL with the line.
 */
int subid_parse_getsubids(const char *text, size_t size, struct subid_ranges *ret,
			  struct error *err);

/*
 * subid_nsswitch_is_dynamic() - does the "subid:" line in the text of nsswitch.conf name a source
 * other than "files"?
 */
bool subid_nsswitch_is_dynamic(const char *text, size_t size);

/*
 * machine_free_range() - find USUAL_IDS ids that are not in use on this machine
 *
 * The range starts at SUB_UID_MIN of login.defs (100000) or above. It overlaps no range in
 * /etc/subuid and /etc/subgid and no id in /etc/passwd and /etc/group, and is inside our own id
 * maps. If the maps have no such range, the result is the widest free range in them. Returns false
 * if no id is free.
 */
bool machine_free_range(const struct machine *machine, uint32_t *ret_first, uint32_t *ret_count);

/* SPDX-License-Identifier: Apache-2.0 */
/* Subordinate ids: ranges that are missing or not granted. */
#include "../cause.h"

#include <errno.h>
#include <stdio.h>
#include <linux/capability.h>

#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"
#include "fauxroot/idmap/fit.h"

#define IDMAP STEP_BIT(STEP_IDMAP)

static const struct {
	const char *file, *option; /* of usermod(8) */
} kinds[] = {{"/etc/subuid", "--add-subuids"}, {"/etc/subgid", "--add-subgids"}};

/* Does one line of our own /proc/self/@file contain all ids of @range? */
static bool is_in_one_line(const struct facts *facts, const char *file,
			   const struct subid_range *range)
{
	_cleanup_free_ char *map = NULL;
	char path[64];
	struct cursor c;
	struct id_extent e;

	(void)str_print(path, sizeof(path), "/proc/self/%s", file);
	map = machine_read(facts->machine, path);
	c = cursor_of(map ? map : "");
	while (idmap_next(&c, &e))
		if (range->start >= e.inside &&
		    (uint64_t)range->start + range->count <= (uint64_t)e.inside + e.count)
			return true;
	return !map;
}

/* The kernel accepts a line of a child's map only if it is within one line of ours. */
static bool range_is_foreign(struct facts *facts, const char *path, const char *map)
{
	_cleanup_subid_ranges_ struct subid_ranges ranges;

	own_ranges(facts->machine, path, &ranges);
	for (size_t i = 0; i < ranges.n; i++) {
		const struct subid_range *r = &ranges.items[i];

		if (!is_in_one_line(facts, map, r))
			return fact(facts, "range", "%u:%u of %s, line %u", r->start, r->count,
				    path, r->line) &&
			       fact(facts, "map", "%s", map);
	}
	return false;
}

static bool ranges_are_not_ours(struct facts *facts)
{
	return range_is_foreign(facts, "/etc/subuid", "uid_map") ||
	       range_is_foreign(facts, "/etc/subgid", "gid_map");
}

/* Would --idmap=fit find ids? */
static bool fit_finds_ids(struct facts *facts)
{
	const struct fit fit = {
		facts->machine,
		{machine_uid(facts->machine), machine_gid(facts->machine)},
		machine_has_cap(facts->machine, CAP_SETUID) &&
			machine_has_cap(facts->machine, CAP_SETGID) &&
			machine_has_cap(facts->machine, CAP_SETFCAP),
	};
	struct subid_ranges ranges[SUBID_KINDS_];
	bool found;

	if (facts->config->idmap == IDMAP_FIT)
		return false;
	own_ranges(facts->machine, "/etc/subuid", &ranges[SUBID_UID]);
	own_ranges(facts->machine, "/etc/subgid", &ranges[SUBID_GID]);
	found = fit_ranges(&fit, ranges, NULL) == 0;
	for (enum subid_kind k = 0; k < SUBID_KINDS_; k++)
		subid_ranges_clear(&ranges[k]);
	return found;
}

/* A container with few ids, whose image has the usual ranges: they can be cut to the ids of the
 * container. */
static bool ranges_can_be_cut(struct facts *facts)
{
	return fit_finds_ids(facts) && ranges_are_not_ours(facts);
}

static bool ranges_come_from_elsewhere(struct facts *facts)
{
	_cleanup_free_ char *text = machine_read(facts->machine, "/etc/nsswitch.conf");
	struct cursor c = cursor_of(text ? text : ""), line;

	if (!text || !subid_nsswitch_is_dynamic(text, strlen(text)))
		return false;
	while (cursor_line(&c, &line)) {
		cursor_blanks(&line);
		if (cursor_word(&line, "subid:"))
			(void)fact(facts, "source", "subid:%.*s", (int)cursor_left(&line), line.at);
	}
	return true;
}

/* Add our lines of @path, unchanged. */
static void add_lines(struct facts *facts, const char *path)
{
	_cleanup_free_ char *text = machine_read(facts->machine, path);
	struct cursor c = cursor_of(text ? text : ""), line;
	char user[256], uid[16];

	(void)machine_user(facts->machine, user, sizeof(user));
	(void)str_print(uid, sizeof(uid), "%u", machine_uid(facts->machine));
	for (bool first = true; cursor_line(&c, &line);) {
		struct cursor rest = line, owner;
		const char *name;
		size_t n;

		cursor_until(&rest, ":", &name, &n);
		owner = cursor_of_n(name, n);
		if (cursor_at_end(&rest) || !subid_names(owner, user, uid))
			continue;
		(void)fact_add(facts, "lines", "; ", "%s%s%.*s", first ? path : "",
			       first ? " has " : "", (int)cursor_left(&line), line.at);
		first = false;
	}
}

static bool has_lines(struct facts *facts)
{
	add_lines(facts, "/etc/subuid");
	add_lines(facts, "/etc/subgid");
	return *fact_text(facts, "lines") != '\0';
}

static bool lacks(const struct facts *facts, const char *path)
{
	_cleanup_subid_ranges_ struct subid_ranges ranges;

	own_ranges(facts->machine, path, &ranges);
	return ranges.n == 0;
}

/* Did the user ask for a dynamic source although nsswitch.conf names none? Then newuidmap and
 * newgidmap use the files. */
static bool dynamic_source_was_asked_for(struct facts *facts)
{
	return facts->config->subid_source == SUBID_DYNAMIC && !ranges_come_from_elsewhere(facts) &&
	       has_lines(facts);
}

/* This row applies only if newuidmap would grant the ranges of the files. */
static bool getsubids_failed(struct facts *facts)
{
	return is_about_getsubids(facts) && dynamic_source_was_asked_for(facts) &&
	       !lacks(facts, "/etc/subuid") && !lacks(facts, "/etc/subgid");
}

/* Find the files without a range of ours, and the options of usermod(8) that add one. */
static bool user_lacks_ranges(struct facts *facts)
{
	char range[32];

	(void)facts_expand("{free range}", facts, range, sizeof(range));
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!lacks(facts, kinds[i].file))
			continue;
		(void)fact_add(facts, "files", " or ", "%s", kinds[i].file);
		(void)fact_add(facts, "file words", " ", "%s", kinds[i].file);
		(void)fact_add(facts, "usermod options", " ", "%s %s", kinds[i].option, range);
	}
	return *fact_text(facts, "files") != '\0';
}

static bool root_can_fit(struct facts *facts)
{
	return fit_finds_ids(facts) && user_lacks_ranges(facts);
}

/* Does our user namespace have no free range? */
static bool no_range_is_free(struct facts *facts)
{
	uint32_t first, count;

	return !machine_free_range(facts->machine, &first, &count) && user_lacks_ranges(facts);
}

static bool local_user_lacks_ranges(struct facts *facts)
{
	return has_account(facts) && user_lacks_ranges(facts);
}

static bool subid_file_is_missing(struct facts *facts)
{
	const char *about = facts->err->about;

	if (about[0] != '/' || machine_exists(facts->machine, about) ||
	    !local_user_lacks_ranges(facts))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!machine_exists(facts->machine, kinds[i].file))
			(void)fact_add(facts, "missing", " ", "%s", kinds[i].file);
	return *fact_text(facts, "missing") != '\0';
}

const struct cause causes_of_ranges[] = {
	{FAILURE("range-partly-outside-map", IDMAP, ANY_REASON, EPERM), .test = ranges_can_be_cut,
	 .cause = "{range}, is not within one line of /proc/self/{map}, the ids of our user "
		  "namespace",
	 .lxd = MORE_IDS,
	 .remedy = "use --idmap=fit\nset {user}:{free line} in /etc/subuid and /etc/subgid\ngive "
		   "this container more ids",
	 .outside = "use --idmap=fit\nset {user}:{free line} in /etc/subuid and "
		    "/etc/subgid\nin a systemd unit, set PrivateUsers=no"},
	{FAILURE("range-outside-map", IDMAP, ANY_REASON, EPERM), .test = ranges_are_not_ours,
	 .cause = "{range}, is outside the ids of our user namespace (/proc/self/{map})",
	 .docker = "--user 0 --env FAUXROOT_OPTIONS=--idmap=fit",
	 .kubernetes = "set securityContext.runAsUser: 0 and the variable "
		       "FAUXROOT_OPTIONS=--idmap=fit",
	 .lxd = MORE_IDS,
	 .remedy =
		 "set {user}:{free line} in /etc/subuid and /etc/subgid\nuse --idmap=single\ngive "
		 "this container more ids",
	 .outside = "set {user}:{free line} in /etc/subuid and /etc/subgid\nin a systemd unit, "
		    "set PrivateUsers=no\nuse --idmap=single"},
	{FAILURE("subid-source-differs", IDMAP, REASON_NOT_GRANTED, EPERM),
	 .test = ranges_come_from_elsewhere,
	 .cause = "/etc/nsswitch.conf has \"{source}\": newuidmap uses that source, which does not "
		  "grant us these ranges",
	 .remedy = "use --subid-source=dynamic"},
	{FAILURE("ranges-not-granted", IDMAP, REASON_NOT_GRANTED, EPERM),
	 .test = dynamic_source_was_asked_for,
	 .cause = "newuidmap and newgidmap do not grant the ranges that getsubids prints: {lines}",
	 .remedy = "use --subid-source=static"},
	{FAILURE("getsubids-failed", IDMAP, ANY_REASON, ANY_CODE), .test = getsubids_failed,
	 .cause = "getsubids prints no ranges, although {lines}",
	 .remedy = "use --subid-source=static"},
	{FAILURE("ranges-unusable", IDMAP, ANY_REASON, EINVAL), .test = has_lines,
	 .cause = "{lines}",
	 .remedy = "replace the lines that are invalid, overlap each other or contain the uid "
		   "{uid}; {user}:{free line} is free"},
	{FAILURE("subid-source-empty", IDMAP, REASON_NO_RANGES, ENOENT),
	 .test = ranges_come_from_elsewhere,
	 .cause = "/etc/nsswitch.conf has \"{source}\", and that source has no ranges for {user}",
	 .remedy = "assign ranges in that source # in FreeIPA: ipa subid-generate\nset \"subid: "
		   "files\" there, and {user}:{free line} in /etc/subuid and /etc/subgid\nuse "
		   "--idmap=single"},
	{/* Root of a container. */
	 FAILURE("no-ranges-but-power", IDMAP, REASON_NO_RANGES, ENOENT), .test = root_can_fit,
	 .cause = "no line for {user} or {uid} in {files}; none is needed in this user namespace, "
		  "because {user} can write id maps here",
	 .remedy = "use --idmap=fit\nuse --idmap=single"},
	{/* A nested user namespace with few ids. */
	 FAILURE("no-ids-to-give", IDMAP, REASON_NO_RANGES, ENOENT), .test = no_range_is_free,
	 .cause = "{user} has no line in /etc/subuid or /etc/subgid, and our user namespace has no "
		  "free ids for one (/proc/self/uid_map)",
	 .lxd = MORE_IDS, .remedy = "use --idmap=single\ngive this container more ids",
	 .outside = "use --idmap=single\ngive the outer user namespace more ids"},
	{/* usermod(8) adds to files, but does not create them. */
	 FAILURE("no-subid-file", IDMAP, REASON_NO_RANGES, ENOENT), .test = subid_file_is_missing,
	 .cause = "there is no {missing}",
	 .remedy = "sudo touch {missing} && sudo usermod {usermod options} {user}\nuse "
		   "--idmap=single"},
	{FAILURE("no-ranges", IDMAP, REASON_NO_RANGES, ENOENT), .test = local_user_lacks_ranges,
	 .cause = "no line for {user} or {uid} in {files}",
	 .remedy = "sudo usermod {usermod options} {user}\nuse --idmap=single"},
	{/* usermod(8) knows only the accounts of /etc/passwd. */
	 FAILURE("no-ranges-no-account", IDMAP, REASON_NO_RANGES, ENOENT),
	 .test = user_lacks_ranges,
	 .cause = "no line for uid {uid} in {files}, and /etc/passwd has no account with that uid",
	 .remedy = "echo {uid}:{free line} | sudo tee -a {file words}\nset \"subid: sss\" in "
		   "/etc/nsswitch.conf # if the directory service has ranges for this "
		   "uid\nuse --idmap=single"},
	{.cause = NULL},
};

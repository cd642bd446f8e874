/* SPDX-License-Identifier: Apache-2.0 */
/* Subordinate ids: ranges that are missing, or that nobody grants. */
#include "../cause.h"

#include <errno.h>
#include <stdio.h>

#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"

#define IDMAP STEP_BIT(STEP_IDMAP)

/* Our own lines of /etc/subuid or /etc/subgid; empty where there are none, or bad ones. */
static void load_ranges(const struct facts *facts, const char *path, struct subid_ranges *ret)
{
	_cleanup_free_ char *text = machine_read(facts->machine, path);
	char user[256];
	bool named = machine_user(facts->machine, user, sizeof(user));

	*ret = (struct subid_ranges){0};
	if (text)
		(void)subid_parse_file(text, strlen(text), path, named ? user : NULL,
				       machine_uid(facts->machine), ret, NULL);
}

/* Is a range of @path outside of the ids that our own user namespace has? */
static bool range_is_foreign(struct facts *facts, const char *path, const char *map)
{
	_cleanup_subid_ranges_ struct subid_ranges ranges;

	load_ranges(facts, path, &ranges);
	for (size_t i = 0; i < ranges.n; i++) {
		const struct subid_range *r = &ranges.items[i];

		if (machine_maps(facts->machine, map, r->start, r->count))
			continue;
		(void)str_print(facts->value, sizeof(facts->value), "%u:%u of %s, line %u",
				r->start, r->count, path, r->line);
		(void)str_print(facts->path, sizeof(facts->path), "/proc/self/%s", map);
		return true;
	}
	return false;
}

static bool ranges_are_not_ours(struct facts *facts, const char *arg)
{
	(void)arg;
	return range_is_foreign(facts, "/etc/subuid", "uid_map") ||
	       range_is_foreign(facts, "/etc/subgid", "gid_map");
}

static bool ranges_come_from_elsewhere(struct facts *facts, const char *arg)
{
	_cleanup_free_ char *text = machine_read(facts->machine, "/etc/nsswitch.conf");
	struct cursor c = cursor_of(text ? text : ""), line;

	(void)arg;
	if (!text || !subid_nsswitch_is_dynamic(text, strlen(text)))
		return false;
	while (cursor_line(&c, &line)) {
		cursor_blanks(&line);
		if (cursor_word(&line, "subid:"))
			(void)str_print(facts->value, sizeof(facts->value), "subid:%.*s",
					(int)cursor_left(&line), line.at);
	}
	return true;
}

/* Append our lines of @path, as they stand, to facts->value. */
static void add_lines(struct facts *facts, const char *path)
{
	_cleanup_free_ char *text = machine_read(facts->machine, path);
	char user[256], uid[16];
	struct cursor c = cursor_of(text ? text : ""), line;

	(void)machine_user(facts->machine, user, sizeof(user));
	(void)str_print(uid, sizeof(uid), "%u", machine_uid(facts->machine));
	for (bool first = true; cursor_line(&c, &line);) {
		size_t used = strlen(facts->value);
		struct cursor rest = line;

		if ((!cursor_word(&rest, user) || !cursor_char(&rest, ':')) &&
		    (rest = line, !cursor_word(&rest, uid) || !cursor_char(&rest, ':')))
			continue;
		(void)str_print(facts->value + used, sizeof(facts->value) - used, "%s%s%s%.*s",
				used > 0 ? "; " : "", first ? path : "", first ? " has " : "",
				(int)cursor_left(&line), line.at);
		first = false;
	}
}

static bool has_lines(struct facts *facts, const char *arg)
{
	(void)arg;
	add_lines(facts, "/etc/subuid");
	add_lines(facts, "/etc/subgid");
	return *facts->value != '\0';
}

static bool lacks(const struct facts *facts, const char *path)
{
	_cleanup_subid_ranges_ struct subid_ranges ranges;

	load_ranges(facts, path, &ranges);
	return ranges.n == 0;
}

/* newuidmap and newgidmap go by the files then. */
static bool dynamic_source_was_asked_for(struct facts *facts, const char *arg)
{
	return facts->config->subid_source == SUBID_DYNAMIC &&
	       !ranges_come_from_elsewhere(facts, arg) && has_lines(facts, arg);
}

/* With a plugin for newuidmap, ranges out of the files would not be granted either. */
static bool getsubids_failed(struct facts *facts, const char *arg)
{
	return is_about_getsubids(facts) && dynamic_source_was_asked_for(facts, arg) &&
	       !lacks(facts, "/etc/subuid") && !lacks(facts, "/etc/subgid");
}

/* Is there nothing in our own user namespace that could be given to us? */
static bool no_range_is_free(struct facts *facts, const char *arg)
{
	uint32_t first, count;

	(void)arg;
	return !machine_free_range(facts->machine, &first, &count) &&
	       (lacks(facts, "/etc/subuid") || lacks(facts, "/etc/subgid"));
}

static bool user_lacks_ranges(struct facts *facts, const char *arg)
{
	bool uids = lacks(facts, "/etc/subuid"), gids = lacks(facts, "/etc/subgid");

	(void)arg;
	(void)str_print(facts->path, sizeof(facts->path), "%s%s%s", uids ? "/etc/subuid" : "",
			uids && gids ? " and " : "", gids ? "/etc/subgid" : "");
	/* tee(1) takes the files as words. */
	(void)str_print(facts->value, sizeof(facts->value), "%s%s%s", uids ? "/etc/subuid" : "",
			uids && gids ? " " : "", gids ? "/etc/subgid" : "");
	return uids || gids;
}

static bool local_user_lacks_ranges(struct facts *facts, const char *arg)
{
	uint32_t gid;

	return machine_account(facts->machine, &gid) && user_lacks_ranges(facts, arg) &&
	       (strchr(arg, 'u') != NULL) == (strstr(facts->path, "/etc/subuid") != NULL) &&
	       (strchr(arg, 'g') != NULL) == (strstr(facts->path, "/etc/subgid") != NULL);
}

/* The files that are missing, and as a value the options of usermod(8) for all that we lack. */
static bool subid_file_is_missing(struct facts *facts, const char *arg)
{
	bool uids = !machine_exists(facts->machine, "/etc/subuid");
	bool gids = !machine_exists(facts->machine, "/etc/subgid");
	char range[32] = "FIRST-LAST";
	uint32_t first, count, gid;

	(void)arg;
	if (facts->err->about[0] != '/' || machine_exists(facts->machine, facts->err->about) ||
	    !(uids || gids) || !machine_account(facts->machine, &gid))
		return false;
	if (machine_free_range(facts->machine, &first, &count))
		(void)str_print(range, sizeof(range), "%u-%u", first, first + count - 1);
	(void)str_print(facts->path, sizeof(facts->path), "%s%s%s", uids ? "/etc/subuid" : "",
			uids && gids ? " " : "", gids ? "/etc/subgid" : "");
	uids = lacks(facts, "/etc/subuid");
	gids = lacks(facts, "/etc/subgid");
	return str_print(facts->value, sizeof(facts->value), "%s%s%s%s%s",
			 uids ? "--add-subuids " : "", uids ? range : "", uids && gids ? " " : "",
			 gids ? "--add-subgids " : "", gids ? range : "") == 0;
}

const struct cause causes_of_ranges[] = {
	{
		.id = "range-outside-map",
		.steps = IDMAP,
		.codes = {EPERM},
		.test = ranges_are_not_ours,
		.cause = "{value}, is not within the ids of the user namespace we are in ({path})",
		.remedy = "give {user} a range inside of it in /etc/subuid and /etc/subgid "
			  "({user}:{free line}), or give this container more ids (in LXD: "
			  "security.idmap.size); in a unit of systemd PrivateUsers=no",
	},
	{
		.id = "subid-source-differs",
		.steps = IDMAP,
		.codes = {EPERM},
		.reasons = {REASON_NOT_GRANTED},
		.test = ranges_come_from_elsewhere,
		.cause = "/etc/nsswitch.conf has \"{value}\": newuidmap goes by that source, and "
			 "it does not give us these ranges",
		.remedy = "--subid-source=dynamic",
	},
	{
		.id = "ranges-not-granted",
		.steps = IDMAP,
		.codes = {EPERM},
		.reasons = {REASON_NOT_GRANTED},
		.test = dynamic_source_was_asked_for,
		.cause = "newuidmap and newgidmap do not grant what getsubids names: {value}",
		.remedy = "--subid-source=static",
	},
	{
		.id = "getsubids-failed",
		.steps = IDMAP,
		.test = getsubids_failed,
		.cause = "getsubids gives no ranges, though {value}",
		.remedy = "--subid-source=static",
	},
	{
		.id = "ranges-unusable",
		.steps = IDMAP,
		.codes = {EINVAL},
		.test = has_lines,
		.cause = "{value}",
		.remedy = "keep lines that overlap neither each other nor the uid {uid}; free on "
			  "this machine is {user}:{free line}",
	},
	{
		.id = "subid-source-empty",
		.steps = IDMAP,
		.codes = {ENOENT},
		.reasons = {REASON_NO_RANGES},
		.test = ranges_come_from_elsewhere,
		.cause = "/etc/nsswitch.conf has \"{value}\", and that source has no ranges for "
			 "{user}",
		.remedy = "assign them there (FreeIPA: ipa subid-generate), or with \"subid: "
			  "files\" give {user}:{free line} in /etc/subuid and /etc/subgid; or "
			  "--idmap=single",
	},
	{
		/* A user namespace within another one, of a few ids. */
		.id = "no-ids-to-give",
		.steps = IDMAP,
		.codes = {ENOENT},
		.reasons = {REASON_NO_RANGES},
		.test = no_range_is_free,
		.cause = "{user} has no line in /etc/subuid or /etc/subgid, and the user "
			 "namespace that we are in has no ids left for one (/proc/self/uid_map)",
		.remedy = "--idmap=single; or give this container more ids (in LXD: "
			  "security.idmap.size)",
	},
	{
		/* usermod(8) adds to files, it makes none. */
		.id = "no-subid-file",
		.steps = IDMAP,
		.codes = {ENOENT},
		.reasons = {REASON_NO_RANGES},
		.test = subid_file_is_missing,
		.cause = "there is no {path}",
		.remedy = "sudo touch {path} && sudo usermod {value} {user}; or --idmap=single",
	},
	{
		.id = "no-ranges",
		.steps = IDMAP,
		.codes = {ENOENT},
		.reasons = {REASON_NO_RANGES},
		.test = local_user_lacks_ranges,
		.arg = "ug",
		.cause = "neither /etc/subuid nor /etc/subgid has a line for {user} or {uid}",
		.remedy = "sudo usermod --add-subuids {free range} --add-subgids {free range} "
			  "{user}; or --idmap=single",
	},
	{
		.id = "no-uid-range",
		.steps = IDMAP,
		.codes = {ENOENT},
		.reasons = {REASON_NO_RANGES},
		.test = local_user_lacks_ranges,
		.arg = "u",
		.cause = "{path} has no line for {user} or {uid}",
		.remedy = "sudo usermod --add-subuids {free range} {user}; or --idmap=single",
	},
	{
		.id = "no-gid-range",
		.steps = IDMAP,
		.codes = {ENOENT},
		.reasons = {REASON_NO_RANGES},
		.test = local_user_lacks_ranges,
		.arg = "g",
		.cause = "{path} has no line for {user} or {uid}",
		.remedy = "sudo usermod --add-subgids {free range} {user}; or --idmap=single",
	},
	{
		/* usermod(8) knows the accounts of /etc/passwd only. */
		.id = "no-ranges-no-account",
		.steps = IDMAP,
		.codes = {ENOENT},
		.reasons = {REASON_NO_RANGES},
		.test = user_lacks_ranges,
		.cause = "no line for uid {uid} in {path}, nor does /etc/passwd have that uid",
		.remedy = "echo {uid}:{free line} | sudo tee -a {value}; where the account's "
			  "directory has ranges: \"subid: sss\" in /etc/nsswitch.conf; or "
			  "--idmap=single",
	},
	{.cause = NULL},
};

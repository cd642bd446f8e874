/* SPDX-License-Identifier: Apache-2.0 */
/* Tests for what keeps newuidmap(1) and newgidmap(1), or ourselves, from writing the id maps. */
#include "cause.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"
#include "fauxroot/idmap/subid.h"

/* The program that the error is about, or NULL. */
static const char *mapper(const struct facts *facts)
{
	if (strstr(facts->err->text, "newgidmap"))
		return "newgidmap";
	return strstr(facts->err->text, "newuidmap") ? "newuidmap" : NULL;
}

/* The program's place, into facts->path. */
static bool find_mapper(struct facts *facts)
{
	const char *program = mapper(facts);

	return program && machine_find(facts->machine, program, facts->path, sizeof(facts->path));
}

bool getsubids_is_missing(struct facts *facts, const char *arg)
{
	const char *named = getenv("GETSUBIDS"), *name = named && *named ? named : "getsubids";

	(void)arg;
	(void)str_print(facts->path, sizeof(facts->path), "%s", name);
	return strstr(facts->err->text, name) &&
	       !machine_find(facts->machine, name, facts->point, sizeof(facts->point));
}

bool mapper_is_missing(struct facts *facts, const char *arg)
{
	const char *program = mapper(facts), *path = getenv("PATH");

	(void)arg;
	if (!program || find_mapper(facts))
		return false;
	(void)str_print(facts->path, sizeof(facts->path), "%s", program);
	(void)str_print(facts->value, sizeof(facts->value), "%s", path ? path : "");
	return true;
}

bool mapper_is_elsewhere(struct facts *facts, const char *arg)
{
	const char *program = mapper(facts);

	(void)arg;
	return program && is_elsewhere(facts, program);
}

/* man 2 prctl, PR_SET_NO_NEW_PRIVS: exec ignores set-user-ID bits and file capabilities. */
bool mapper_has_no_new_privs(struct facts *facts, const char *arg)
{
	char value[16];

	(void)arg;
	return find_mapper(facts) &&
	       machine_status(facts->machine, "NoNewPrivs", value, sizeof(value)) &&
	       streq(value, "1");
}

bool mapper_is_on_nosuid(struct facts *facts, const char *arg)
{
	(void)arg;
	return find_mapper(facts) && machine_mount_has(facts->machine, facts->path, "nosuid",
						       facts->point, sizeof(facts->point));
}

bool mapper_lacks_setuid(struct facts *facts, const char *arg)
{
	char place[PATH_MAX];
	struct stat st;

	(void)arg;
	return find_mapper(facts) &&
	       machine_path(facts->machine, facts->path, place, sizeof(place)) &&
	       stat(place, &st) == 0 && !(st.st_mode & S_ISUID) &&
	       getxattr(place, "security.capability", NULL, 0) <= 0;
}

/* Where PATH leads to one without, is there one with the bit? */
bool setuid_mapper_is_elsewhere(struct facts *facts, const char *arg)
{
	const char *program = mapper(facts);
	char path[PATH_MAX], point[PATH_MAX];

	return program && (mapper_lacks_setuid(facts, arg) || mapper_is_on_nosuid(facts, arg)) &&
	       machine_find_elsewhere(facts->machine, program, S_ISUID | 0111, facts->value,
				      sizeof(facts->value)) &&
	       str_print(path, sizeof(path), "%s/%s", facts->value, program) == 0 &&
	       !machine_mount_has(facts->machine, path, "nosuid", point, sizeof(point));
}

static unsigned capability(const char *arg)
{
	uint32_t cap = 0;

	(void)parse_u32(arg, 63, &cap);
	return cap;
}

bool mapper_lacks_cap(struct facts *facts, const char *arg)
{
	return machine_lacks_cap(facts->machine, capability(arg)) &&
	       machine_status(facts->machine, "CapBnd", facts->value, sizeof(facts->value));
}

/*
 * A set-user-ID newuidmap that stays root has no power over a namespace whose owner is another user
 * (man 7 user_namespaces, "Capabilities"), but by CAP_SYS_ADMIN over the namespace around it; and
 * the file is that user's. One that becomes the user again, as shadow's does when it is built with
 * libcap, needs neither.
 */
static bool root_lacks_power(struct facts *facts)
{
	return machine_id(facts->machine, "Uid") != 0 &&
	       (machine_lacks_cap(facts->machine, 21 /* CAP_SYS_ADMIN */) ||
		machine_lacks_cap(facts->machine, 1 /* CAP_DAC_OVERRIDE */)) &&
	       machine_status(facts->machine, "CapBnd", facts->value, sizeof(facts->value));
}

static bool mapper_is_setuid(struct facts *facts)
{
	char place[PATH_MAX];
	struct stat st;

	return find_mapper(facts) &&
	       machine_path(facts->machine, facts->path, place, sizeof(place)) &&
	       stat(place, &st) == 0 && (st.st_mode & S_ISUID);
}

static bool is_in(const struct facts *facts, const char *where)
{
	return machine_in_container(facts->machine) == streq(where, "container");
}

bool mapper_needs_sys_admin(struct facts *facts, const char *arg)
{
	return is_in(facts, arg) && mapper_is_setuid(facts) && root_lacks_power(facts);
}

bool mapper_lacks_filecaps(struct facts *facts, const char *arg)
{
	return is_in(facts, arg) && mapper_lacks_setuid(facts, arg) && root_lacks_power(facts);
}

bool mapper_lacks_cap_and_filecaps(struct facts *facts, const char *arg)
{
	(void)arg;
	return (machine_lacks_cap(facts->machine, 7 /* CAP_SETUID */) ||
		machine_lacks_cap(facts->machine, 6 /* CAP_SETGID */)) &&
	       mapper_is_setuid(facts) && root_lacks_power(facts);
}

bool mapper_failed_to_write(const struct error *err)
{
	return err->step == STEP_IDMAP && strstr(err->text, "_map failed");
}

bool root_lacks_cap(struct facts *facts, const char *arg)
{
	return machine_id(facts->machine, "Uid") == 0 && mapper_lacks_cap(facts, arg);
}

/* Our own lines of /etc/subuid or /etc/subgid; empty where there are none, or bad ones. */
static void load_ranges(const struct facts *facts, const char *path, struct subid_ranges *ret)
{
	_cleanup_free_ char *text = machine_read(facts->machine, path);
	char user[256];
	bool named = machine_user(facts->machine, user, sizeof(user));

	*ret = (struct subid_ranges){0};
	if (text)
		(void)subid_parse_file(text, strlen(text), path, named ? user : NULL,
				       machine_id(facts->machine, "Uid"), ret, NULL);
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

bool ranges_are_not_ours(struct facts *facts, const char *arg)
{
	(void)arg;
	return range_is_foreign(facts, "/etc/subuid", "uid_map") ||
	       range_is_foreign(facts, "/etc/subgid", "gid_map");
}

bool ranges_come_from_elsewhere(struct facts *facts, const char *arg)
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
	(void)str_print(uid, sizeof(uid), "%u", machine_id(facts->machine, "Uid"));
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

bool has_lines(struct facts *facts, const char *arg)
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
bool dynamic_source_was_asked_for(struct facts *facts, const char *arg)
{
	return facts->config->subid_source == SUBID_DYNAMIC &&
	       !ranges_come_from_elsewhere(facts, arg) && has_lines(facts, arg);
}

/* With a plugin for newuidmap, ranges out of the files would not be granted either. */
bool static_source_would_do(struct facts *facts, const char *arg)
{
	return dynamic_source_was_asked_for(facts, arg) && !lacks(facts, "/etc/subuid") &&
	       !lacks(facts, "/etc/subgid");
}

bool group_is_not_of_account(struct facts *facts, const char *arg)
{
	uint32_t gid = machine_id(facts->machine, "Gid"), usual;

	(void)arg;
	if (!machine_account(facts->machine, &usual) || usual == gid)
		return false;
	machine_group(facts->machine, gid, facts->value, sizeof(facts->value));
	machine_group(facts->machine, usual, facts->path, sizeof(facts->path));
	return true;
}

/* Is there nothing in our own user namespace that could be given to us? */
bool no_range_is_free(struct facts *facts, const char *arg)
{
	uint32_t first, count;

	(void)arg;
	return !machine_free_range(facts->machine, &first, &count) &&
	       (lacks(facts, "/etc/subuid") || lacks(facts, "/etc/subgid"));
}

bool no_usual_range_is_free(struct facts *facts, const char *arg)
{
	uint32_t first, count;

	(void)arg;
	return !machine_free_range(facts->machine, &first, &count) || count < USUAL_IDS;
}

bool user_lacks_ranges(struct facts *facts, const char *arg)
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

bool local_user_lacks_ranges(struct facts *facts, const char *arg)
{
	char user[256];

	return machine_user(facts->machine, user, sizeof(user)) && user_lacks_ranges(facts, arg) &&
	       (strchr(arg, 'u') != NULL) == (strstr(facts->path, "/etc/subuid") != NULL) &&
	       (strchr(arg, 'g') != NULL) == (strstr(facts->path, "/etc/subgid") != NULL);
}

/* The files that are missing, and as a value the options of usermod(8) for all that we lack. */
bool subid_file_is_missing(struct facts *facts, const char *arg)
{
	bool uids = !machine_exists(facts->machine, "/etc/subuid");
	bool gids = !machine_exists(facts->machine, "/etc/subgid");
	char user[256], range[32] = "FIRST-LAST";
	uint32_t first, count;

	(void)arg;
	if (!(uids || gids) || !machine_user(facts->machine, user, sizeof(user)))
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

bool has_account(struct facts *facts, const char *arg)
{
	char user[256];

	(void)arg;
	return machine_user(facts->machine, user, sizeof(user));
}

/* SPDX-License-Identifier: Apache-2.0 */
/* newuidmap(1), newgidmap(1), subordinate ids and the id maps. */
#include "probe.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"

/* Report the path of the program and its privileges. */
static void probe_mapper(const struct preflight *p, struct finding *f, const char *program)
{
	static const char *const reasons[] = {
		"no-new-privs",		 "setuid-elsewhere", "nosuid",
		"filecaps-lost",	 "setuid-lost",	     "no-cap-setuid-nor-filecaps",
		"setuid-needs-sys-admin"};
	struct error err = p->outcomes->of[TRIAL_IDMAP].err;
	char path[PATH_MAX];
	struct stat st;
	size_t n = ARRAY_SIZE(reasons);

	/* Some builds of newuidmap need fewer capabilities: only the trial shows whether they are
	 * missing. */
	if (!mapper_failed_to_write(&err))
		n -= 2;
	(void)str_print(err.about, sizeof(err.about), "%s", program);
	p->facts->err = &err;
	if (!machine_find(p->machine, program, path, sizeof(path))) {
		see(f, "not found");
		obstacle(p, f, "program-not-in-path");
		if (f->status == FINDING_OK)
			obstacle(p, f, "newuidmap-missing");
		return;
	}
	if (!machine_stat(p->machine, path, &st)) {
		see_unknown(f, "%s: stat fails", path);
		return;
	}
	see(f, "%s, mode %04o%s", path, st.st_mode & 07777,
	    st.st_mode & S_ISUID ? " (set-user-ID)" : "");
	for (size_t i = 0; i < n && f->status == FINDING_OK; i++)
		obstacle(p, f, reasons[i]);
}

static void probe_newuidmap(const struct preflight *p, struct finding *f)
{
	probe_mapper(p, f, "newuidmap");
}

static void probe_newgidmap(const struct preflight *p, struct finding *f)
{
	probe_mapper(p, f, "newgidmap");
}

static void probe_ranges(const struct preflight *p, struct finding *f)
{
	const struct outcomes *o = p->outcomes;

	see(f, "%llu user and %llu group ids, our own included", (unsigned long long)o->uids,
	    (unsigned long long)o->gids);
	if (explain_few_ids(o->uids, o->gids, p->machine, &f->why))
		f->status = FINDING_WARNING;
}

static void probe_idmap(const struct preflight *p, struct finding *f)
{
	see(f, p->outcomes->mappers ? "written by newuidmap and newgidmap" : "written directly");
}

/* The time for a list of accounts. It is only for a warning, so it is short. */
#define LIST_MS 3000

/* The owner of the ranges, in the two forms that a line can contain. */
struct owner {
	char user[256], uid[16];
};

/* Does this line belong to another user and contain ids of @own? */
static bool is_shared(const struct subid_line *line, const struct owner *owner,
		      const struct subid_ranges *own)
{
	if (cursor_is(&line->owner, owner->user) || cursor_is(&line->owner, owner->uid))
		return false;
	for (size_t i = 0; i < own->n; i++)
		if (own->items[i].start < (uint64_t)line->start + line->count &&
		    line->start < (uint64_t)own->items[i].start + own->items[i].count)
			return true;
	return false;
}

/* Find another owner of ids of @own. @accounts: as for subid_next_of() */
static bool find_sharer(const char *text, bool accounts, const struct owner *owner,
			const struct subid_ranges *own, struct subid_line *ret)
{
	struct cursor c = cursor_of(text ? text : "");

	while (subid_next_of(&c, accounts, ret))
		if (is_shared(ret, owner, own))
			return true;
	return false;
}

/* Does another user have ids of ours, in the subordinate ids of @path or as an account, in
 * @accounts or in the name service's @database? */
static bool see_sharer(const struct preflight *p, struct finding *f, const char *path,
		       const char *accounts, const char *database)
{
	_cleanup_subid_ranges_ struct subid_ranges own;
	_cleanup_free_ char *text = machine_read(p->machine, path), *listed = NULL;
	_cleanup_free_ char *names = machine_read(p->machine, accounts);
	const char *where = NULL;
	struct subid_line other;
	struct owner owner;

	own_ranges(p->machine, path, &own);
	(void)machine_user(p->machine, owner.user, sizeof(owner.user));
	(void)str_print(owner.uid, sizeof(owner.uid), "%u", machine_uid(p->machine));
	if (find_sharer(text, false, &owner, &own, &other))
		where = path;
	else if (find_sharer(names, true, &owner, &own, &other))
		where = accounts;
	else if (own.n > 0 && (listed = machine_list_accounts(p->machine, database, LIST_MS)) &&
		 find_sharer(listed, true, &owner, &own, &other))
		where = "the name service";
	if (!where)
		return false;
	(void)fact(p->facts, "file", "%s", path);
	(void)fact(p->facts, "sharer", "\"%.*s\" of %s has ids %u to %llu as well",
		   (int)MIN(cursor_left(&other.owner), (size_t)64), other.owner.at, where,
		   other.start, (unsigned long long)other.start + other.count - 1);
	see(f, "another user also has some of our ids");
	warn(p, f, "subids-shared");
	return true;
}

static void probe_shared_ranges(const struct preflight *p, struct finding *f)
{
	see(f, "none");
	if (!see_sharer(p, f, "/etc/subuid", "/etc/passwd", "passwd"))
		(void)see_sharer(p, f, "/etc/subgid", "/etc/group", "group");
}

static bool with_mappers(const struct preflight *p)
{
	return p->outcomes->mappers;
}

static bool with_ranges(const struct config *config)
{
	return config->idmap != IDMAP_SINGLE;
}

const struct probe probes_of_ids[] = {
	{"newuidmap", .wanted = with_mappers, .look = probe_newuidmap},
	{"newgidmap", .wanted = with_mappers, .look = probe_newgidmap},
	{"subordinate ids", with_ranges, TRIAL_RANGES, .look = probe_ranges},
	{"shared ids", with_ranges, .look = probe_shared_ranges},
	{"id map", .trial = TRIAL_IDMAP, .look = probe_idmap},
	{.name = NULL},
};

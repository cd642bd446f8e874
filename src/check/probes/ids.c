/* SPDX-License-Identifier: Apache-2.0 */
/* newuidmap(1) and newgidmap(1), subordinate ids and the maps made of them. */
#include "probe.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"
#include "fauxroot/idmap/subid.h"

/*
 * It is there and has its bit, and could not write: what it lacks is an obstacle. Before it has
 * been tried that is not known, because there are those who need less.
 */
static void see_powerless(struct finding *f, struct facts *facts)
{
	static const char *const reasons[] = {"no-cap-setuid-nor-filecaps",
					      "setuid-needs-sys-admin-in-image",
					      "setuid-needs-sys-admin"};

	for (size_t i = 0; i < ARRAY_SIZE(reasons) && f->status == FINDING_OK; i++)
		advise(f, FINDING_OBSTACLE, reasons[i], facts);
}

/* Where it is, and by what right it writes maps. */
static void probe_mapper(const struct preflight *p, struct finding *f, const char *program)
{
	static const char *const reasons[] = {"no-new-privs",  "setuid-elsewhere",
					      "nosuid",	       "filecaps-lost-in-image",
					      "filecaps-lost", "setuid-lost"};
	struct error err = {.code = ENOENT, .step = STEP_IDMAP};
	struct facts facts = facts_of(p, &err);
	char place[PATH_MAX];
	struct stat st;

	(void)str_print(err.text, sizeof(err.text), "executing \"%s\"", program);
	if (!machine_find(p->machine, program, facts.path, sizeof(facts.path))) {
		see(f, "not found");
		advise(f, FINDING_OBSTACLE, "newuidmap-not-in-path", &facts);
		if (f->status == FINDING_OK)
			advise(f, FINDING_OBSTACLE, "newuidmap-missing", &facts);
		return;
	}
	if (!machine_path(p->machine, facts.path, place, sizeof(place)) || stat(place, &st) < 0) {
		see_unknown(f, "%s cannot be looked at", facts.path);
		return;
	}
	see(f, "%s, mode %04o%s", facts.path, st.st_mode & 07777,
	    st.st_mode & S_ISUID ? " (set-user-ID)" : "");
	for (size_t i = 0; i < ARRAY_SIZE(reasons) && f->status == FINDING_OK; i++)
		advise(f, FINDING_OBSTACLE, reasons[i], &facts);
	if (mapper_failed_to_write(&p->outcomes->of[TRIAL_IDMAP].err))
		see_powerless(f, &facts);
}

void probe_newuidmap(const struct preflight *p, struct finding *f)
{
	probe_mapper(p, f, "newuidmap");
}

void probe_newgidmap(const struct preflight *p, struct finding *f)
{
	probe_mapper(p, f, "newgidmap");
}

void probe_ranges(const struct preflight *p, struct finding *f)
{
	const struct outcomes *o = p->outcomes;

	if (!see_outcome(p, f, &o->of[TRIAL_RANGES]))
		return;
	see(f, "%llu user and %llu group ids, our own included", (unsigned long long)o->uids,
	    (unsigned long long)o->gids);
	if (explain_few_ids(o->uids, o->gids, p->machine, &f->why))
		f->status = FINDING_WARNING;
}

void probe_idmap(const struct preflight *p, struct finding *f)
{
	if (see_outcome(p, f, &p->outcomes->of[TRIAL_IDMAP]))
		see(f, p->outcomes->mappers ? "written by newuidmap and newgidmap"
					    : "written directly");
}

/* One line of subuid(5) or subgid(5), or one account as a range of one id. */
struct holding {
	struct cursor owner;
	uint32_t first, count;
};

static bool take_range(struct cursor line, struct holding *ret)
{
	const char *owner;
	size_t n;

	cursor_until(&line, ":", &owner, &n);
	ret->owner = cursor_of_n(owner, n);
	return n > 0 && cursor_char(&line, ':') &&
	       cursor_u32(&line, UINT32_MAX, &ret->first) == 0 && cursor_char(&line, ':') &&
	       cursor_u32(&line, UINT32_MAX, &ret->count) == 0;
}

static bool take_account(struct cursor line, struct holding *ret)
{
	const char *skipped;
	size_t n;

	cursor_until(&line, ":", &skipped, &n);
	ret->owner = cursor_of_n(skipped, n);
	if (n == 0 || !cursor_char(&line, ':'))
		return false;
	cursor_until(&line, ":", &skipped, &n);
	ret->count = 1;
	return cursor_char(&line, ':') && cursor_u32(&line, UINT32_MAX, &ret->first) == 0 &&
	       cursor_char(&line, ':');
}

static bool is_word(const struct cursor *c, const char *word)
{
	return cursor_left(c) == strlen(word) && memcmp(c->at, word, cursor_left(c)) == 0;
}

static bool overlap(const struct subid_range *own, const struct holding *other)
{
	return own->start < (uint64_t)other->first + other->count &&
	       other->first < (uint64_t)own->start + own->count;
}

/* Who else has ids of @own in @path? */
static bool find_sharer(const struct preflight *p, const char *path, bool accounts,
			const char *user, const char *uid, const struct subid_ranges *own,
			struct holding *ret, char **ret_text)
{
	_cleanup_free_ char *text = machine_read(p->machine, path);
	struct cursor c = cursor_of(text ? text : ""), line;

	while (cursor_line(&c, &line)) {
		struct holding h = {.count = 0};

		if (!(accounts ? take_account(line, &h) : take_range(line, &h)) ||
		    is_word(&h.owner, user) || is_word(&h.owner, uid))
			continue;
		for (size_t i = 0; i < own->n; i++)
			if (overlap(&own->items[i], &h)) {
				*ret = h;
				*ret_text = TAKE_PTR(text);
				return true;
			}
	}
	return false;
}

/* Does somebody else have ids of ours, by the subordinate ids of @path or the accounts of
 * @accounts? */
static bool see_sharer(const struct preflight *p, struct finding *f, const char *path,
		       const char *accounts)
{
	static const struct error no_error = {.text = ""};
	_cleanup_subid_ranges_ struct subid_ranges own = {0};
	_cleanup_free_ char *text = machine_read(p->machine, path), *held = NULL;
	struct facts facts = facts_of(p, &no_error);
	char user[256], uid[16];
	struct holding h;
	bool named = machine_user(p->machine, user, sizeof(user));
	const char *where = path;

	(void)str_print(uid, sizeof(uid), "%u", machine_id(p->machine, "Uid"));
	if (!text || subid_parse_file(text, strlen(text), path, named ? user : NULL,
				      machine_id(p->machine, "Uid"), &own, NULL) < 0)
		return false;
	if (!find_sharer(p, path, false, user, uid, &own, &h, &held)) {
		where = accounts;
		if (!find_sharer(p, accounts, true, user, uid, &own, &h, &held))
			return false;
	}
	(void)str_print(facts.path, sizeof(facts.path), "%s", path);
	(void)str_print(facts.value, sizeof(facts.value), "\"%.*s\" of %s has ids %u to %llu, too",
			(int)MIN(cursor_left(&h.owner), (size_t)64), h.owner.at, where, h.first,
			(unsigned long long)h.first + h.count - 1);
	see(f, "ids of ours are somebody else's as well");
	advise(f, FINDING_WARNING, "subids-shared", &facts);
	return true;
}

void probe_shared_ranges(const struct preflight *p, struct finding *f)
{
	see(f, "none");
	if (!see_sharer(p, f, "/etc/subuid", "/etc/passwd"))
		(void)see_sharer(p, f, "/etc/subgid", "/etc/group");
}

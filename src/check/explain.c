/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * An errno alone says little: clone(2) gives EPERM for six reasons. So a row of the table does not
 * guess from the error; its test reads the fact that would be the reason, and only what was found
 * is told. Rows stand from the particular to the general; the first one that holds is the answer.
 *
 * Everything is read when it is asked for, after the failure: a launch that works pays nothing.
 */
#include "fauxroot/check/explain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cause.h"
#include "package.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"

/* Our own executable, which an AppArmor profile attaches to. */
static void own_path(const struct facts *facts, char *buf, size_t size)
{
	char link[PATH_MAX];
	ssize_t n = -1;

	if (machine_path(facts->machine, "/proc/self/exe", link, sizeof(link)))
		n = readlink(link, buf, size - 1);
	if (n < 0)
		(void)str_print(buf, size, "/usr/bin/fauxroot");
	else
		buf[n] = '\0';
}

/* Where PATH leads, or where distributions have it. */
static void place_of(const char *program, const struct facts *facts, char *buf, size_t size)
{
	if (!machine_find(facts->machine, program, buf, size))
		(void)str_print(buf, size, "/usr/bin/%s", program);
}

/* XDG_RUNTIME_DIR where it is ours, else where it would be. */
static void runtime_dir(const struct facts *facts, char *buf, size_t size)
{
	const char *given = getenv("XDG_RUNTIME_DIR");
	uint32_t uid = machine_uid(facts->machine);
	struct stat st;

	if (given && *given && machine_stat(facts->machine, given, &st) && st.st_uid == uid)
		(void)str_print(buf, size, "%s", given);
	else
		(void)str_print(buf, size, "/run/user/%u", uid);
}

/* What gives us a directory for XDG_RUNTIME_DIR, and names it. */
static void have_runtime_dir(const struct facts *facts, char *buf, size_t size)
{
	uint32_t uid = machine_uid(facts->machine);
	char user[256], dir[64];

	(void)machine_user(facts->machine, user, sizeof(user));
	(void)str_print(dir, sizeof(dir), "/run/user/%u", uid);
	if (machine_exists(facts->machine, dir))
		(void)str_print(buf, size, "export XDG_RUNTIME_DIR=%s", dir);
	else if (machine_exists(facts->machine, "/run/systemd/system"))
		(void)str_print(buf, size,
				"sudo loginctl enable-linger %s && export XDG_RUNTIME_DIR=%s", user,
				dir);
	else
		(void)str_print(buf, size,
				"sudo install -d -m 0700 -o %u %s && export XDG_RUNTIME_DIR=%s",
				uid, dir, dir);
}

static void free_range(const struct facts *facts, bool as_line, char *buf, size_t size)
{
	uint32_t first, count;

	if (!machine_free_range(facts->machine, &first, &count))
		(void)str_print(buf, size, as_line ? "FIRST:COUNT" : "FIRST-LAST");
	else if (as_line)
		(void)str_print(buf, size, "%u:%u", first, count);
	else
		(void)str_print(buf, size, "%u-%u", first, first + count - 1);
}

/* The value of the fact @name, @n bytes long, into @buf; false where there is no such name. */
static bool fact_text(const struct facts *facts, const char *name, size_t n, char *buf, size_t size)
{
	struct cursor c = cursor_of_n(name, n);

	if (cursor_word(&c, "install ")) {
		char program[32];

		(void)str_print(program, sizeof(program), "%.*s", (int)cursor_left(&c), c.at);
		machine_package(facts->machine, program, buf, size);
		return true;
	}
	if (cursor_word(&c, "boot ")) {
		char argument[64];

		(void)str_print(argument, sizeof(argument), "%.*s", (int)cursor_left(&c), c.at);
		machine_boot(facts->machine, argument, buf, size);
		return true;
	}
	if (cursor_word(&c, "value"))
		(void)str_print(buf, size, "%s", facts->value);
	else if (cursor_word(&c, "path"))
		(void)str_print(buf, size, "%s", facts->path);
	else if (cursor_word(&c, "point"))
		(void)str_print(buf, size, "%s", facts->point);
	else if (cursor_word(&c, "about"))
		(void)str_print(buf, size, "%s", facts->err->about);
	else if (cursor_word(&c, "user"))
		(void)machine_user(facts->machine, buf, size);
	else if (cursor_word(&c, "uid"))
		(void)str_print(buf, size, "%u", machine_uid(facts->machine));
	else if (cursor_word(&c, "gid"))
		(void)str_print(buf, size, "%u", machine_gid(facts->machine));
	else if (cursor_word(&c, "runtime dir"))
		runtime_dir(facts, buf, size);
	else if (cursor_word(&c, "have runtime dir"))
		have_runtime_dir(facts, buf, size);
	else if (cursor_word(&c, "self"))
		own_path(facts, buf, size);
	else if (cursor_word(&c, "newuidmap"))
		place_of("newuidmap", facts, buf, size);
	else if (cursor_word(&c, "newgidmap"))
		place_of("newgidmap", facts, buf, size);
	else if (cursor_word(&c, "free range"))
		free_range(facts, false, buf, size);
	else if (cursor_word(&c, "free line"))
		free_range(facts, true, buf, size);
	else
		return false;
	return cursor_at_end(&c);
}

bool cause_expand(const char *text, const struct facts *facts, char *buf, size_t size)
{
	struct cursor c = cursor_of(text);
	size_t used = 0;

	while (!cursor_at_end(&c)) {
		char fact[512];
		const char *piece;
		size_t n;

		cursor_until(&c, "{", &piece, &n);
		if (str_print(buf + used, size - used, "%.*s", (int)n, piece) < 0)
			return false;
		used += n;
		if (!cursor_char(&c, '{'))
			break;
		/* "{{" is a brace. */
		if (cursor_char(&c, '{')) {
			if (str_print(buf + used, size - used, "{") < 0)
				return false;
			used++;
			continue;
		}
		cursor_until(&c, "}", &piece, &n);
		if (!cursor_char(&c, '}') || !fact_text(facts, piece, n, fact, sizeof(fact)) ||
		    str_print(buf + used, size - used, "%s", fact) < 0)
			return false;
		used += strlen(fact);
	}
	str_printable(buf);
	return true;
}

static bool has_code(const struct cause *cause, int code)
{
	if (cause->codes[0] == 0)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(cause->codes) && cause->codes[i]; i++)
		if (cause->codes[i] == code)
			return true;
	return false;
}

static bool has_reason(const struct cause *cause, enum error_reason reason)
{
	if (cause->reasons[0] == REASON_NONE)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(cause->reasons) && cause->reasons[i]; i++)
		if (cause->reasons[i] == reason)
			return true;
	return false;
}

static bool holds(const struct cause *cause, struct facts *facts)
{
	const struct error *err = facts->err;

	return (cause->steps & STEP_BIT(err->step)) && has_code(cause, err->code) &&
	       has_reason(cause, err->reason) && (!cause->test || cause->test(facts, cause->arg));
}

static void add_remedy(char *buf, size_t size, const char *before, const char *text,
		       const char *after)
{
	size_t used = strlen(buf);

	if (text)
		(void)str_print(buf + used, size - used, "%s%s%s%s", used > 0 ? "; " : "", before,
				text, after);
}

void cause_remedy(const struct cause *cause, const char *runtime, char *buf, size_t size)
{
	const struct {
		const char *runtime, *before, *text, *after;
		bool otherwise; /* told as well where the runtime is not known */
	} ways[] = {
		{"Docker", "docker run ", cause->docker, " …", true},
		{"Podman", "podman run ", cause->podman ? cause->podman : cause->docker, " …",
		 cause->podman != NULL},
		{"Kubernetes", "in Kubernetes ", cause->kubernetes, "", true},
		{"LXD", "lxc ", cause->lxd, "", true},
		{"Incus", "incus ", cause->lxd, "", false},
	};
	bool known = false;

	*buf = '\0';
	for (size_t i = 0; runtime && i < ARRAY_SIZE(ways); i++)
		known |= ways[i].text && streq(ways[i].runtime, runtime);
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		if (known ? streq(ways[i].runtime, runtime) : ways[i].otherwise)
			add_remedy(buf, size, ways[i].before, ways[i].text, ways[i].after);
	add_remedy(buf, size, "", cause->remedy, "");
}

/* Root needs no sudo(8), and in containers there is none. */
static void drop_sudo(char *text)
{
	static const char word[] = "sudo ";

	for (char *at = text; (at = strstr(at, word));)
		memmove(at, at + strlen(word), strlen(at + strlen(word)) + 1);
}

/* The texts of a row that holds; false, with @ret untouched, where they do not fit. */
static bool tell(const struct cause *cause, struct facts *facts, struct explanation *ret)
{
	struct explanation found = {.id = cause->id};
	char remedy[sizeof(found.remedy)];
	struct container container;
	bool contained = machine_container(facts->machine, &container);

	cause_remedy(cause, contained ? container.name : NULL, remedy, sizeof(remedy));
	if (!cause_expand(cause->cause, facts, found.cause, sizeof(found.cause)) ||
	    !cause_expand(remedy, facts, found.remedy, sizeof(found.remedy)))
		return false;
	if (machine_uid(facts->machine) == 0)
		drop_sudo(found.remedy);
	*ret = found;
	return true;
}

bool explain(const struct error *err, const struct config *config, const struct machine *machine,
	     struct explanation *ret)
{
	struct cause_walk walk = {0};
	const struct cause *cause;

	while ((cause = cause_next(&walk))) {
		struct facts facts = {.machine = machine, .config = config, .err = err};

		if (holds(cause, &facts) && tell(cause, &facts, ret))
			return true;
	}
	return false;
}

bool explain_as(const char *id, struct facts *facts, struct explanation *ret)
{
	struct cause_walk walk = {0};
	const struct cause *cause;

	while ((cause = cause_next(&walk)))
		if (streq(cause->id, id) && (!cause->test || cause->test(facts, cause->arg)) &&
		    tell(cause, facts, ret))
			return true;
	return false;
}

bool explain_unit(const struct machine *machine, struct explanation *ret)
{
	struct facts facts = {.machine = machine};

	return explain_as("unit-without-runtime-dir", &facts, ret);
}

bool explain_few_ids(uint64_t uids, uint64_t gids, const struct machine *machine,
		     struct explanation *ret)
{
	struct facts facts = {.machine = machine};

	if (uids >= USUAL_IDS && gids >= USUAL_IDS)
		return false;
	(void)str_print(facts.value, sizeof(facts.value), "%llu user and %llu group ids",
			(unsigned long long)uids, (unsigned long long)gids);
	return explain_as("few-ids-no-range", &facts, ret) || explain_as("few-ids", &facts, ret) ||
	       explain_as("few-ids-no-account", &facts, ret);
}

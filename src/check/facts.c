/* SPDX-License-Identifier: Apache-2.0 */
#include "facts.h"

#include <ctype.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"
#include "fauxroot/machine/accounts.h"
#include "fauxroot/machine/machine.h"
#include "fauxroot/machine/process.h"
#include "fauxroot/machine/subid.h"
#include "package.h"

/* The text of @name, fresh and empty where it is not set; NULL where there is no more room. */
static char *slot(struct facts *facts, const char *name)
{
	for (size_t i = 0; i < facts->n; i++)
		if (streq(facts->of[i].name, name))
			return facts->of[i].text;
	if (facts->n == ARRAY_SIZE(facts->of))
		return NULL;
	facts->of[facts->n].name = name;
	return facts->of[facts->n++].text;
}

static _printf_(3, 0) bool print(char *buf, size_t size, const char *fmt, va_list ap)
{
	return vsnprintf(buf, size, fmt, ap) < (int)size;
}

bool fact(struct facts *facts, const char *name, const char *fmt, ...)
{
	char text[sizeof(facts->of[0].text)], *to = slot(facts, name);
	va_list ap;
	bool fits;

	if (!to)
		return false;
	/* What was set so far may be an argument. */
	va_start(ap, fmt);
	fits = print(text, sizeof(text), fmt, ap);
	va_end(ap);
	return str_print(to, sizeof(text), "%s", text) == 0 && fits;
}

bool fact_add(struct facts *facts, const char *name, const char *separator, const char *fmt, ...)
{
	char *to = slot(facts, name);
	size_t used = to ? strlen(to) : 0, size = sizeof(facts->of[0].text);
	va_list ap;
	bool fits;

	if (!to || (used > 0 && str_print(to + used, size - used, "%s", separator) < 0))
		return false;
	used = strlen(to);
	va_start(ap, fmt);
	fits = print(to + used, size - used, fmt, ap);
	va_end(ap);
	return fits;
}

static const char *find(const struct facts *facts, const char *name)
{
	for (size_t i = 0; i < facts->n; i++)
		if (streq(facts->of[i].name, name))
			return facts->of[i].text;
	return NULL;
}

const char *fact_text(const struct facts *facts, const char *name)
{
	const char *text = find(facts, name);

	return text ? text : "";
}

static void get_about(const struct facts *facts, char *buf, size_t size)
{
	(void)str_print(buf, size, "%s", facts->err->about);
}

static void get_user(const struct facts *facts, char *buf, size_t size)
{
	(void)machine_user(facts->machine, buf, size);
}

static void get_uid(const struct facts *facts, char *buf, size_t size)
{
	(void)str_print(buf, size, "%u", machine_uid(facts->machine));
}

static void get_gid(const struct facts *facts, char *buf, size_t size)
{
	(void)str_print(buf, size, "%u", machine_gid(facts->machine));
}

/* Our own executable, which an AppArmor profile attaches to. */
static void get_self(const struct facts *facts, char *buf, size_t size)
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

/* XDG_RUNTIME_DIR where it is ours, else where it would be. */
static void get_runtime_dir(const struct facts *facts, char *buf, size_t size)
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
static void get_have_runtime_dir(const struct facts *facts, char *buf, size_t size)
{
	uint32_t uid = machine_uid(facts->machine);
	char user[256], dir[64];

	get_user(facts, user, sizeof(user));
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

/* For usermod(8). */
static void get_free_range(const struct facts *facts, char *buf, size_t size)
{
	uint32_t first, count;

	if (machine_free_range(facts->machine, &first, &count))
		(void)str_print(buf, size, "%u-%u", first, first + count - 1);
	else
		(void)str_print(buf, size, "FIRST-LAST");
}

/* For subuid(5). */
static void get_free_line(const struct facts *facts, char *buf, size_t size)
{
	uint32_t first, count;

	if (machine_free_range(facts->machine, &first, &count))
		(void)str_print(buf, size, "%u:%u", first, count);
	else
		(void)str_print(buf, size, "FIRST:COUNT");
}

/* Where PATH leads, or where distributions have it. */
static void get_place(const struct machine *machine, const char *program, char *buf, size_t size)
{
	if (!machine_find(machine, program, buf, size))
		(void)str_print(buf, size, "/usr/bin/%s", program);
}

/* What is read when a text names it, and what documents have in its place. Other names are in
 * capitals there. */
static const struct {
	const char *name, *word;
	void (*get)(const struct facts *facts, char *buf, size_t size);
} names[] = {
	{"pid", "PID", get_about},   /* of the process that the failure is about */
	{"owner", "UID", get_about}, /* the user that it is about */
	{"user", "USER", get_user},
	{"uid", "UID", get_uid},
	{"gid", "GID", get_gid},
	{"self", "/usr/bin/fauxroot", get_self},
	{"runtime dir", "/run/user/UID", get_runtime_dir},
	{"have runtime dir",
	 "sudo loginctl enable-linger USER && export XDG_RUNTIME_DIR=/run/user/UID",
	 get_have_runtime_dir},
	{"free range", "FIRST-LAST", get_free_range},
	{"free line", "FIRST:COUNT", get_free_line},
	/* Set by a test. */
	{"or else", "; or without the option that asks for it", NULL},
};

/* Those with a word of their own behind them; documents have what an empty machine gives. */
static const struct {
	const char *name;
	void (*get)(const struct machine *machine, const char *word, char *buf, size_t size);
} commands[] = {
	{"place of ", get_place},
	{"install ", package_install},
	{"boot ", package_boot},
};

static const struct machine empty_machine = {.root = "/nonexistent"};

/* A name of the table; false for another one. */
static bool expand_known(const char *name, const struct facts *facts, char *buf, size_t size)
{
	const struct machine *machine = facts ? facts->machine : &empty_machine;

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (str_after(name, commands[i].name)) {
			commands[i].get(machine, str_after(name, commands[i].name), buf, size);
			return true;
		}
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!streq(name, names[i].name) || (facts && !names[i].get))
			continue;
		if (facts)
			names[i].get(facts, buf, size);
		else
			(void)str_print(buf, size, "%s", names[i].word);
		return true;
	}
	return false;
}

static bool expand_name(const char *name, const struct facts *facts, char *buf, size_t size)
{
	if (expand_known(name, facts, buf, size))
		return true;
	if (facts)
		return find(facts, name) && str_print(buf, size, "%s", find(facts, name)) == 0;
	(void)str_print(buf, size, "%s", name);
	for (char *at = buf; *at; at++)
		*at = (char)toupper((unsigned char)*at);
	return true;
}

/* A name without its braces; false where it is too long or the brace is missing. */
static bool take_name(struct cursor *c, char *buf, size_t size)
{
	const char *name;
	size_t n;

	cursor_until(c, "}", &name, &n);
	return cursor_char(c, '}') && str_print(buf, size, "%.*s", (int)n, name) == 0;
}

bool facts_expand(const char *text, const struct facts *facts, char *buf, size_t size)
{
	struct cursor c = cursor_of(text);
	size_t used = 0;

	*buf = '\0';
	while (!cursor_at_end(&c)) {
		char name[64], value[512] = "";
		const char *piece;
		size_t n;

		cursor_until(&c, "{", &piece, &n);
		if (cursor_char(&c, '{')) {
			if (cursor_char(&c, '{'))
				(void)str_print(value, sizeof(value), "{");
			else if (!take_name(&c, name, sizeof(name)) ||
				 !expand_name(name, facts, value, sizeof(value)))
				return false;
		}
		if (str_print(buf + used, size - used, "%.*s%s", (int)n, piece, value) < 0)
			return false;
		used += strlen(buf + used);
	}
	str_printable(buf);
	return true;
}

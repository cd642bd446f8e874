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

/* The text of @name, new and empty if it is not set; NULL if there is no more room. */
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
	/* The previous text of the fact may be an argument. */
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

/* @word as one word of sh(1); false if it does not fit. */
static bool quote(const char *word, char *buf, size_t size)
{
	static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789_@%+=:,./-";
	size_t used = 0;

	if (*word && strspn(word, safe) == strlen(word))
		return str_print(buf, size, "%s", word) == 0;
	if (str_print(buf, size, "'") < 0)
		return false;
	for (const char *at = word; *at; at++) {
		used = strlen(buf);
		if ((*at == '\'' ? str_print(buf + used, size - used, "'\\''")
				 : str_print(buf + used, size - used, "%c", *at)) < 0)
			return false;
	}
	used = strlen(buf);
	return str_print(buf + used, size - used, "'") == 0;
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

/* Our own executable, to which an AppArmor profile attaches. */
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

/* XDG_RUNTIME_DIR if it belongs to us, else the usual path. */
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

/* The command that creates a directory for XDG_RUNTIME_DIR and sets the variable. */
static void get_have_runtime_dir(const struct facts *facts, char *buf, size_t size)
{
	uint32_t uid = machine_uid(facts->machine);
	char name[256], user[300], dir[64];

	get_user(facts, name, sizeof(name));
	if (!quote(name, user, sizeof(user)))
		(void)str_print(user, sizeof(user), "%u", uid);
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

/* The program that PATH finds, or else the path that distributions use. */
static void get_place(const struct machine *machine, const char *program, char *buf, size_t size)
{
	if (!machine_find(machine, program, buf, size))
		(void)str_print(buf, size, "/usr/bin/%s", program);
}

/* Facts that are read when a text names them, with their placeholders for documents. The
 * placeholder of any other fact is its name in capitals. */
static const struct {
	const char *name, *word;
	void (*get)(const struct facts *facts, char *buf, size_t size);
} names[] = {
	{"pid", "PID", get_about},   /* the process that the failure is about */
	{"owner", "UID", get_about}, /* the user that the failure is about */
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
	{"instead", "omit the option that requests it", NULL},
	{"enclosing", "add --copy-up=DIR # then PATH is created in the copy of DIR", NULL},
};

/* Names that continue with an argument. Documents contain the values of an empty machine. */
static const struct {
	const char *name;
	void (*get)(const struct machine *machine, const char *word, char *buf, size_t size);
} commands[] = {
	{"place of ", get_place},
	{"install ", package_install},
	{"boot ", package_boot},
};

/* Facts that are commands or several words: remedies contain them without quotation marks. */
static const char *const unquoted[] = {
	"have runtime dir", "instead", "install ",   "boot ",	  "usermod options",
	"options",	    "missing", "file words", "enclosing",
};

static bool is_unquoted(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(unquoted); i++)
		if (streq(name, unquoted[i]) ||
		    (str_after(name, unquoted[i]) && unquoted[i][strlen(unquoted[i]) - 1] == ' '))
			return true;
	return false;
}

static const struct machine empty_machine = {.root = "/nonexistent"};

/* Expand a name of the tables; false for any other name. */
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

/* A name without its braces; false if it is too long or the brace is missing. */
static bool take_name(struct cursor *c, char *buf, size_t size)
{
	const char *name;
	size_t n;

	cursor_until(c, "}", &name, &n);
	return cursor_char(c, '}') && str_print(buf, size, "%.*s", (int)n, name) == 0;
}

/* The value of the name at @c, after its first brace. */
static bool take_value(struct cursor *c, const struct facts *facts, bool quoted, char *buf,
		       size_t size)
{
	char name[64], value[512] = "";

	if (cursor_char(c, '{'))
		return str_print(buf, size, "{") == 0;
	if (!take_name(c, name, sizeof(name)) || !expand_name(name, facts, value, sizeof(value)))
		return false;
	if (quoted && facts && !is_unquoted(name))
		return quote(value, buf, size);
	return str_print(buf, size, "%s", value) == 0;
}

static bool expand(struct cursor c, const struct facts *facts, bool quoted, char *buf, size_t size)
{
	size_t used = 0;

	*buf = '\0';
	while (!cursor_at_end(&c)) {
		char value[600] = "";
		const char *piece;
		size_t n;

		cursor_until(&c, "{", &piece, &n);
		if (cursor_char(&c, '{') && !take_value(&c, facts, quoted, value, sizeof(value)))
			return false;
		if (str_print(buf + used, size - used, "%.*s%s", (int)n, piece, value) < 0)
			return false;
		used += strlen(buf + used);
	}
	str_printable(buf);
	return true;
}

bool facts_expand(const char *text, const struct facts *facts, char *buf, size_t size)
{
	return expand(cursor_of(text), facts, false, buf, size);
}

bool facts_expand_remedy(const char *text, const struct facts *facts, char *buf, size_t size)
{
	struct cursor c = cursor_of(text), line;
	size_t used = 0;

	*buf = '\0';
	while (cursor_line(&c, &line)) {
		char command[1024];

		if (!expand(line, facts, true, command, sizeof(command)) ||
		    (*command &&
		     str_print(buf + used, size - used, "%s%s", used > 0 ? "\n" : "", command) < 0))
			return false;
		used += strlen(buf + used);
	}
	return true;
}

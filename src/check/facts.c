/* SPDX-License-Identifier: Apache-2.0 */
#include "facts.h"

#include <ctype.h>
#include <fcntl.h>
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
	struct cursor c = cursor_of(word);
	const char *piece;
	size_t used, n;

	if (*word && strspn(word, safe) == strlen(word))
		return str_print(buf, size, "%s", word) == 0;
	if (str_print(buf, size, "'") < 0)
		return false;
	for (bool more = true; more;) {
		used = strlen(buf);
		cursor_until(&c, "'", &piece, &n);
		more = cursor_char(&c, '\'');
		if (str_print(buf + used, size - used, "%.*s%s", (int)n, piece,
			      more ? "'\\''" : "'") < 0)
			return false;
	}
	return true;
}

bool fact_is_writable(const struct machine *machine, const char *dir)
{
	char path[PATH_MAX];

	return machine_path(machine, dir, path, sizeof(path)) &&
	       faccessat(AT_FDCWD, path, W_OK | X_OK, AT_EACCESS) == 0;
}

bool fact_state_parent(const struct machine *machine, char *buf, size_t size)
{
	static const char *const shared[] = {"/tmp", "/var/tmp", "/dev/shm"};
	const char *given = getenv("XDG_RUNTIME_DIR");
	uint32_t uid = machine_uid(machine);
	struct stat st;

	if (given && *given && machine_stat(machine, given, &st) && st.st_uid == uid)
		(void)str_print(buf, size, "%s", given);
	else
		(void)str_print(buf, size, "/run/user/%u", uid);
	if (fact_is_writable(machine, buf))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(shared); i++)
		if (fact_is_writable(machine, shared[i]))
			return str_print(buf, size, "%s", shared[i]) == 0;
	return false;
}

/* The command that creates a directory for XDG_RUNTIME_DIR and sets the variable. */
static void get_have_runtime_dir(const struct facts *facts, char *buf, size_t size)
{
	uint32_t uid = machine_uid(facts->machine);
	char name[256], user[300], dir[64];

	(void)machine_user(facts->machine, name, sizeof(name));
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

/* For usermod(8), or a line of subuid(5). */
static void get_free_range(const struct facts *facts, bool line, char *buf, size_t size)
{
	uint32_t first, count;

	if (!machine_free_range(facts->machine, &first, &count))
		(void)str_print(buf, size, line ? "FIRST:COUNT" : "FIRST-LAST");
	else if (line)
		(void)str_print(buf, size, "%u:%u", first, count);
	else
		(void)str_print(buf, size, "%u-%u", first, first + count - 1);
}

/* Facts that are read when a text names them. False for any other name. */
static bool read_fact(const char *name, const struct facts *facts, char *buf, size_t size)
{
	/* The process or user that the failure is about: if it is unknown, rows that name it do not
	 * match. */
	if (streq(name, "pid") || streq(name, "owner"))
		return *facts->err->about && str_print(buf, size, "%s", facts->err->about) == 0;
	if (streq(name, "user"))
		(void)machine_user(facts->machine, buf, size);
	else if (streq(name, "uid"))
		(void)str_print(buf, size, "%u", machine_uid(facts->machine));
	else if (streq(name, "gid"))
		(void)str_print(buf, size, "%u", machine_gid(facts->machine));
	else if (streq(name, "self"))
		(void)(machine_self(facts->machine, buf, size) ||
		       str_print(buf, size, "/usr/bin/fauxroot"));
	else if (streq(name, "runtime dir"))
		(void)fact_state_parent(facts->machine, buf, size);
	else if (streq(name, "have runtime dir"))
		get_have_runtime_dir(facts, buf, size);
	else if (streq(name, "free range") || streq(name, "free line"))
		get_free_range(facts, streq(name, "free line"), buf, size);
	else
		return false;
	return true;
}

/* Names that end with a word, for example {install newuidmap}. Documents contain the values of an
 * empty machine. */
static bool run_command(const char *name, const struct machine *machine, char *buf, size_t size)
{
	const char *word;

	/* The program that PATH finds, or else the path that distributions use. */
	if ((word = str_after(name, "place of ")))
		(void)(machine_find(machine, word, buf, size) ||
		       str_print(buf, size, "/usr/bin/%s", word));
	else if ((word = str_after(name, "install ")))
		package_install(machine, word, buf, size);
	else if ((word = str_after(name, "boot ")))
		package_boot(machine, word, buf, size);
	return word != NULL;
}

/* Facts that remedies contain without quotation marks, because they are commands or several words;
 * and the text of facts in documents, if it is not the name in capitals. */
static const struct {
	const char *name;
	const char *word; /* NULL: the name in capitals */
	bool unquoted;
} facts_of_texts[] = {
	{"owner", "UID", false},
	{"self", "/usr/bin/fauxroot", false},
	{"runtime dir", "/run/user/UID", false},
	{"have runtime dir",
	 "sudo loginctl enable-linger USER && export XDG_RUNTIME_DIR=/run/user/UID", true},
	{"free network", "NETWORK/24", false},
	{"free range", "FIRST-LAST", false},
	{"free line", "FIRST:COUNT", false},
	{"instead", "omit the option that requests it", true},
	{"get helper", "install the package that contains HELPER", true},
	{"elsewhere", "use --state-dir=/run/user/UID/NAME", true},
	{"enclosing", "add --copy-up=DIR # then PATH is created in the copy of DIR", true},
	{"usermod options", "--add-subuids FIRST-LAST --add-subgids FIRST-LAST", true},
	{"usual group", "USUAL-GROUP", false},
	{"search path", "DIRS", false},
	{"cgroup owner", "UID", false},
	{"options", NULL, true},
	{"missing", "FILE", true},
	{"binary", "--HELPER-binary", true},
	{"file words", "FILES", true},
	{"paths", NULL, true},
};

static bool is_unquoted(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(facts_of_texts); i++)
		if (streq(name, facts_of_texts[i].name))
			return facts_of_texts[i].unquoted;
	return str_after(name, "install ") || str_after(name, "boot ");
}

static bool expand_name(const char *name, const struct facts *facts, char *buf, size_t size)
{
	static const struct machine empty = {.root = "/nonexistent"};

	if (run_command(name, facts ? facts->machine : &empty, buf, size))
		return true;
	if (facts)
		return read_fact(name, facts, buf, size) ||
		       (find(facts, name) && str_print(buf, size, "%s", find(facts, name)) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(facts_of_texts); i++)
		if (streq(name, facts_of_texts[i].name) && facts_of_texts[i].word)
			return str_print(buf, size, "%s", facts_of_texts[i].word) == 0;
	(void)str_print(buf, size, "%s", name);
	for (char *at = buf; *at; at++)
		*at = (char)toupper((unsigned char)*at);
	return true;
}

/* The value of the name at @c, after its first brace; false if it is unknown or not complete. */
static bool take_value(struct cursor *c, const struct facts *facts, bool quoted, char *buf,
		       size_t size)
{
	char name[64], value[512] = "";
	const char *at;
	size_t n;

	if (cursor_char(c, '{'))
		return str_print(buf, size, "{") == 0;
	cursor_until(c, "}", &at, &n);
	if (!cursor_char(c, '}') || str_print(name, sizeof(name), "%.*s", (int)n, at) < 0 ||
	    !expand_name(name, facts, value, sizeof(value)))
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

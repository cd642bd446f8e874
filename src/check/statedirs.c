/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests for the state directory and --copy-up. Which of several places was tried, the error says:
 * its sentence has the path, that of a state directory in quotation marks.
 */
#include "cause.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"

bool error_names_path(struct facts *facts, const char *arg)
{
	const char *text = strchr(facts->err->text, '"');
	struct cursor c = cursor_of(text ? text : "");
	const char *path;
	size_t n;

	(void)arg;
	if (!cursor_char(&c, '"'))
		return false;
	cursor_until(&c, "\"", &path, &n);
	return n > 0 && *path == '/' && cursor_char(&c, '"') &&
	       str_print(facts->path, sizeof(facts->path), "%.*s", (int)n, path) == 0;
}

/* The longest part of the path that is there. */
bool error_names_place(struct facts *facts, const char *arg)
{
	char place[PATH_MAX], *end;
	struct stat st;

	if (!error_names_path(facts, arg))
		return false;
	(void)str_print(facts->point, sizeof(facts->point), "%s", facts->path);
	while (!machine_path(facts->machine, facts->point, place, sizeof(place)) ||
	       stat(place, &st) < 0) {
		end = strrchr(facts->point, '/');
		if (streq(facts->point, "/"))
			return false;
		end[end == facts->point] = '\0';
	}
	return str_print(facts->value, sizeof(facts->value), "uid %u with mode %04o", st.st_uid,
			 st.st_mode & 07777) == 0;
}

bool state_dir_is_link(struct facts *facts, const char *arg)
{
	_cleanup_free_ char *real = NULL;
	char place[PATH_MAX];

	if (!error_names_path(facts, arg) ||
	    !machine_path(facts->machine, facts->path, place, sizeof(place)))
		return false;
	real = realpath(place, NULL);
	return real && str_after(real, facts->machine->root) &&
	       str_print(facts->value, sizeof(facts->value), "%s",
			 str_after(real, facts->machine->root)) == 0;
}

/* "opening /nosuch to copy it up: …" */
static bool error_names_copy(struct facts *facts)
{
	const char *from = strchr(facts->err->text, '/');
	const char *to = from ? strstr(from, " to copy it up") : NULL;

	return to &&
	       str_print(facts->path, sizeof(facts->path), "%.*s", (int)(to - from), from) == 0;
}

bool copy_up_is_missing(struct facts *facts, const char *arg)
{
	(void)arg;
	return error_names_copy(facts) && !machine_exists(facts->machine, facts->path);
}

bool copy_up_is_closed(struct facts *facts, const char *arg)
{
	char place[PATH_MAX];
	struct stat st;

	(void)arg;
	return error_names_copy(facts) &&
	       machine_path(facts->machine, facts->path, place, sizeof(place)) &&
	       stat(place, &st) == 0 && is_closed_to_us(facts, &st, 0555);
}

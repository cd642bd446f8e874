/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of man 7 cgroups. */
#include "probe.h"

#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"

bool cgroup2_path(const char *text, char *buf, size_t size)
{
	struct cursor c = cursor_of(text), line;

	/* "0::/user.slice/…"; lines with other numbers are of cgroup v1. */
	while (cursor_line(&c, &line))
		if (cursor_word(&line, "0::"))
			return cursor_left(&line) > 0 && *line.at == '/' &&
			       str_print(buf, size, "%.*s", (int)cursor_left(&line), line.at) == 0;
	return false;
}

static bool has_controller(const char *text, const char *word, size_t n)
{
	struct cursor c = cursor_of(text);

	while (!cursor_at_end(&c)) {
		const char *item;
		size_t m;

		cursor_until(&c, " \n", &item, &m);
		if (!cursor_at_end(&c))
			c.at++;
		if (m == n && memcmp(item, word, n) == 0)
			return true;
	}
	return false;
}

void cgroup_lacks(const char *text, const char *wanted, char *buf, size_t size)
{
	struct cursor c = cursor_of(wanted);
	size_t used = 0;

	*buf = '\0';
	while (!cursor_at_end(&c)) {
		const char *word;
		size_t n;

		cursor_until(&c, " ", &word, &n);
		cursor_char(&c, ' ');
		if (has_controller(text, word, n) ||
		    str_print(buf + used, size - used, "%s%.*s", used > 0 ? " " : "", (int)n,
			      word) < 0)
			continue;
		used = strlen(buf);
	}
}

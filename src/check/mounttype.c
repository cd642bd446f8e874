/* SPDX-License-Identifier: Apache-2.0 */
#include "machine.h"

#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"

static bool lies_under(const char *path, const char *point, size_t n)
{
	if (n == 1 && *point == '/')
		return *path == '/';
	return strncmp(path, point, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

/* "36 35 98:0 /root /point OPTIONS [optional fields] - TYPE SOURCE …" (man 5 proc) */
bool machine_mount_type(const struct machine *machine, const char *path, char *buf, size_t size)
{
	_cleanup_free_ char *text = machine_read(machine, "/proc/self/mountinfo");
	struct cursor c = cursor_of(text ? text : ""), line;
	size_t longest = 0;

	while (cursor_line(&c, &line)) {
		const char *field = NULL, *point = NULL;
		size_t n = 0, point_n = 0;

		for (int i = 0; i < 5; i++) {
			cursor_until(&line, " ", &point, &point_n);
			cursor_char(&line, ' ');
		}
		while (!cursor_at_end(&line) && !(n == 1 && *field == '-')) {
			cursor_until(&line, " ", &field, &n);
			cursor_char(&line, ' ');
		}
		cursor_until(&line, " ", &field, &n);
		if (n == 0 || point_n < longest || point_n == 0 ||
		    !lies_under(path, point, point_n))
			continue;
		longest = point_n;
		(void)str_print(buf, size, "%.*s", (int)n, field);
	}
	return longest > 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/machine/mountinfo.h"

#include "fauxroot/base/str.h"
#include "fauxroot/machine/machine.h"

static bool is_octal(const char *at, const char *end)
{
	return end - at >= 3 && at[0] >= '0' && at[0] <= '3' && at[1] >= '0' && at[1] <= '7' &&
	       at[2] >= '0' && at[2] <= '7';
}

/* Copy one field of a line, and decode its escapes. False if it is empty or does not fit. */
static bool take_field(struct cursor *line, char *buf, size_t size)
{
	const char *at, *end;
	size_t n, used = 0;

	cursor_until(line, " ", &at, &n);
	cursor_char(line, ' ');
	for (end = at + n; at < end; at++) {
		char ch = *at;

		if (ch == '\\' && is_octal(at + 1, end)) {
			ch = (char)((at[1] - '0') * 64 + (at[2] - '0') * 8 + (at[3] - '0'));
			at += 3;
		}
		if (used + 1 >= size || ch == '\0')
			return false;
		buf[used++] = ch;
	}
	buf[used] = '\0';
	return used > 0;
}

static bool skip_fields(struct cursor *line, int count)
{
	for (; count > 0; count--) {
		const char *at;
		size_t n;

		cursor_until(line, " ", &at, &n);
		cursor_char(line, ' ');
		if (n == 0)
			return false;
	}
	return true;
}

/* Skip any number of optional fields, and the "-" after them. */
static bool skip_tags(struct cursor *line)
{
	while (!cursor_word(line, "- "))
		if (!skip_fields(line, 1))
			return false;
	return true;
}

static bool take_mount(struct cursor line, struct mount *ret)
{
	/* Mount ID, parent ID. */
	return skip_fields(&line, 2) && cursor_u32(&line, UINT32_MAX, &ret->major) == 0 &&
	       cursor_char(&line, ':') && cursor_u32(&line, UINT32_MAX, &ret->minor) == 0 &&
	       cursor_char(&line, ' ') && take_field(&line, ret->root, sizeof(ret->root)) &&
	       take_field(&line, ret->point, sizeof(ret->point)) &&
	       take_field(&line, ret->options, sizeof(ret->options)) && skip_tags(&line) &&
	       take_field(&line, ret->type, sizeof(ret->type));
}

bool mountinfo_next(struct cursor *text, struct mount *ret)
{
	struct cursor line;

	while (cursor_line(text, &line))
		if (take_mount(line, ret))
			return true;
	return false;
}

bool mount_has(const struct mount *mount, const char *option)
{
	return list_has(mount->options, ",", option, strlen(option));
}

static bool lies_under(const char *path, const char *point)
{
	const char *rest = streq(point, "/") ? path : str_after(path, point);

	return rest && (*rest == '/' || (*rest == '\0' && *path == '/'));
}

bool machine_mount(const struct machine *machine, const char *path, struct mount *ret)
{
	_cleanup_free_ char *text = machine_read(machine, "/proc/self/mountinfo");
	struct cursor c = cursor_of(text ? text : "");
	struct mount mount;
	size_t longest = 0;

	while (mountinfo_next(&c, &mount)) {
		size_t n = strlen(mount.point);

		if (n < longest || !lies_under(path, mount.point))
			continue;
		longest = n;
		*ret = mount;
	}
	return longest > 0;
}

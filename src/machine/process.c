/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/machine/process.h"

#include <unistd.h>

#include "fauxroot/base/str.h"
#include "fauxroot/machine/machine.h"

bool machine_status(const struct machine *machine, const char *field, char *buf, size_t size)
{
	_cleanup_free_ char *text = machine_read(machine, "/proc/self/status");
	struct cursor c = cursor_of(text ? text : ""), line;

	while (cursor_line(&c, &line))
		if (cursor_word(&line, field) && cursor_char(&line, ':')) {
			cursor_blanks(&line);
			return str_print(buf, size, "%.*s", (int)cursor_left(&line), line.at) == 0;
		}
	return false;
}

/* The second number of a field: the fields have the real, effective, saved and file system id. */
static uint32_t effective(const struct machine *machine, const char *field, uint32_t otherwise)
{
	char text[128];
	uint32_t real, id;
	struct cursor c;

	/* Without /proc use the system call, but not for a test's machine. */
	if (!machine_status(machine, field, text, sizeof(text)))
		return *machine->root ? UINT32_MAX : otherwise;
	c = cursor_of(text);
	if (cursor_u32(&c, UINT32_MAX, &real) < 0 || cursor_blanks(&c) == 0 ||
	    cursor_u32(&c, UINT32_MAX, &id) < 0)
		return UINT32_MAX;
	return id;
}

uint32_t machine_uid(const struct machine *machine)
{
	return effective(machine, "Uid", geteuid());
}

uint32_t machine_gid(const struct machine *machine)
{
	return effective(machine, "Gid", getegid());
}

/* Is @cap in the set @field of /proc/self/status? @otherwise: the result if that is not known. */
static bool set_has(const struct machine *machine, const char *field, unsigned cap, bool otherwise)
{
	char text[32];
	size_t n;
	unsigned digit;

	/* A hexadecimal number; the lowest bit of the last digit is capability 0. */
	if (!machine_status(machine, field, text, sizeof(text)))
		return otherwise;
	n = strspn(text, "0123456789abcdef");
	if (text[n] || cap / 4 >= n)
		return otherwise;
	n -= cap / 4 + 1;
	digit = (unsigned)(text[n] <= '9' ? text[n] - '0' : text[n] - 'a' + 10);
	return digit & 1U << cap % 4;
}

bool machine_lacks_cap(const struct machine *machine, unsigned cap)
{
	return !set_has(machine, "CapBnd", cap, true);
}

bool machine_has_cap(const struct machine *machine, unsigned cap)
{
	return set_has(machine, "CapEff", cap, false);
}

bool idmap_next(struct cursor *text, struct id_extent *ret)
{
	struct cursor line;

	while (cursor_line(text, &line)) {
		cursor_blanks(&line);
		if (cursor_u32(&line, UINT32_MAX, &ret->inside) == 0 && cursor_blanks(&line) > 0 &&
		    cursor_u32(&line, UINT32_MAX, &ret->outside) == 0 && cursor_blanks(&line) > 0 &&
		    cursor_u32(&line, UINT32_MAX, &ret->count) == 0)
			return true;
	}
	return false;
}

/* The end of the extent that contains @id; @id if it is not mapped. */
static uint64_t mapped_until(const char *map, uint64_t id)
{
	struct cursor c = cursor_of(map);
	struct id_extent e;

	while (idmap_next(&c, &e))
		if (id >= e.inside && id - e.inside < e.count)
			return (uint64_t)e.inside + e.count;
	return id;
}

uint64_t machine_maps_until(const struct machine *machine, const char *file, uint64_t first)
{
	_cleanup_free_ char *map = NULL;
	uint64_t id = first, next;
	char path[64];

	if (str_print(path, sizeof(path), "/proc/self/%s", file) < 0)
		return first;
	map = machine_read(machine, path);
	/* Without the file no id is known to be missing. */
	if (!map)
		return UINT64_MAX;
	while ((next = mapped_until(map, id)) != id)
		id = next;
	return id;
}

bool machine_maps(const struct machine *machine, const char *file, uint32_t first, uint32_t count)
{
	return machine_maps_until(machine, file, first) >= (uint64_t)first + count;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "machine.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"

/* /etc/subuid of a large site has 100,000 lines. */
#define MAX_FILE (16U << 20)

bool machine_path(const struct machine *machine, const char *path, char *buf, size_t size)
{
	/* Here a relative path is relative to the working directory; another root has only itself.
	 */
	return str_print(buf, size, "%s%s%s", machine->root,
			 *path == '/' || !*machine->root ? "" : "/", path) == 0;
}

char *machine_read(const struct machine *machine, const char *path)
{
	char place[PATH_MAX], *text;

	if (!machine_path(machine, path, place, sizeof(place)) ||
	    file_read_bounded(AT_FDCWD, place, MAX_FILE, &text, NULL) < 0)
		return NULL;
	return text;
}

bool machine_word(const struct machine *machine, const char *path, char *buf, size_t size)
{
	_cleanup_free_ char *text = machine_read(machine, path);

	if (!text)
		return false;
	(void)str_print(buf, size, "%.*s", (int)strcspn(text, "\n"), text);
	str_printable(buf);
	return *buf != '\0';
}

bool machine_exists(const struct machine *machine, const char *path)
{
	char place[PATH_MAX];
	struct stat st;

	return machine_path(machine, path, place, sizeof(place)) &&
	       fstatat(AT_FDCWD, place, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

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

uint32_t machine_id(const struct machine *machine, const char *field)
{
	char text[128];
	uint32_t real, effective;
	struct cursor c;

	if (!machine_status(machine, field, text, sizeof(text))) {
		if (*machine->root)
			return UINT32_MAX;
		return streq(field, "Uid") ? geteuid() : getegid();
	}
	c = cursor_of(text);
	if (cursor_u32(&c, UINT32_MAX, &real) < 0 || cursor_blanks(&c) == 0 ||
	    cursor_u32(&c, UINT32_MAX, &effective) < 0)
		return UINT32_MAX;
	return effective;
}

bool machine_lacks_cap(const struct machine *machine, unsigned cap)
{
	char text[32];
	size_t n;

	/* Hexadecimal, the lowest capability in the last digit's lowest bit. */
	if (!machine_status(machine, "CapBnd", text, sizeof(text)))
		return false;
	n = strspn(text, "0123456789abcdef");
	if (text[n] || cap / 4 >= n)
		return false;
	text[n - cap / 4] = '\0';
	n = n - cap / 4 - 1;
	{
		unsigned digit = (unsigned)(text[n] <= '9' ? text[n] - '0' : text[n] - 'a' + 10);

		return !(digit & 1U << cap % 4);
	}
}

bool machine_map_line(struct cursor line, uint32_t *ret_inside, uint32_t *ret_count)
{
	uint32_t outside;

	cursor_blanks(&line);
	return cursor_u32(&line, UINT32_MAX, ret_inside) == 0 && cursor_blanks(&line) > 0 &&
	       cursor_u32(&line, UINT32_MAX, &outside) == 0 && cursor_blanks(&line) > 0 &&
	       cursor_u32(&line, UINT32_MAX, ret_count) == 0;
}

/* The end of the run of mapped ids that @id is in, or @id where it is in none. */
static uint64_t mapped_until(const char *map, uint64_t id)
{
	struct cursor c = cursor_of(map), line;

	while (cursor_line(&c, &line)) {
		uint32_t inside, count;

		if (machine_map_line(line, &inside, &count) && id >= inside && id - inside < count)
			return (uint64_t)inside + count;
	}
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
	/* Without the file there is nothing that it could leave out. */
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

/* Our line of /etc/passwd: "NAME:PASSWORD:UID:GID:…". */
static bool find_account(const char *text, uint32_t uid, struct cursor *ret_name, uint32_t *ret_gid)
{
	struct cursor c = cursor_of(text ? text : ""), line;

	while (cursor_line(&c, &line)) {
		const char *name, *password;
		uint32_t found;
		size_t n, m;

		cursor_until(&line, ":", &name, &n);
		cursor_char(&line, ':');
		cursor_until(&line, ":", &password, &m);
		if (n == 0 || !cursor_char(&line, ':') ||
		    cursor_u32(&line, UINT32_MAX, &found) < 0 || found != uid ||
		    !cursor_char(&line, ':'))
			continue;
		*ret_name = cursor_of_n(name, n);
		if (cursor_u32(&line, UINT32_MAX, ret_gid) < 0)
			*ret_gid = UINT32_MAX;
		return true;
	}
	return false;
}

bool machine_user(const struct machine *machine, char *buf, size_t size)
{
	_cleanup_free_ char *text = machine_read(machine, "/etc/passwd");
	uint32_t uid = machine_id(machine, "Uid"), gid;
	struct cursor name;

	if (find_account(text, uid, &name, &gid))
		return str_print(buf, size, "%.*s", (int)cursor_left(&name), name.at) == 0;
	(void)str_print(buf, size, "%u", uid);
	return false;
}

bool machine_account(const struct machine *machine, uint32_t *ret_gid)
{
	_cleanup_free_ char *text = machine_read(machine, "/etc/passwd");
	struct cursor name;
	uint32_t gid;

	if (!find_account(text, machine_id(machine, "Uid"), &name, &gid) || gid == UINT32_MAX)
		return false;
	*ret_gid = gid;
	return true;
}

void machine_group(const struct machine *machine, uint32_t gid, char *buf, size_t size)
{
	_cleanup_free_ char *text = machine_read(machine, "/etc/group");
	struct cursor name;
	uint32_t skipped;

	/* group(5) has its id where passwd(5) has it. */
	if (find_account(text, gid, &name, &skipped))
		(void)str_print(buf, size, "%.*s", (int)cursor_left(&name), name.at);
	else
		(void)str_print(buf, size, "%u", gid);
}

void machine_runtime_dir(const struct machine *machine, char *buf, size_t size)
{
	const char *given = getenv("XDG_RUNTIME_DIR");
	uint32_t uid = machine_id(machine, "Uid");
	char place[PATH_MAX];
	struct stat st;

	if (given && *given && machine_path(machine, given, place, sizeof(place)) &&
	    stat(place, &st) == 0 && st.st_uid == uid)
		(void)str_print(buf, size, "%s", given);
	else
		(void)str_print(buf, size, "/run/user/%u", uid);
}

static bool lies_under(const char *path, const char *point, size_t n)
{
	if (n == 1 && *point == '/')
		return *path == '/';
	return strncmp(path, point, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

static bool has_word(const char *list, size_t n, const char *word)
{
	struct cursor c = cursor_of_n(list, n);

	while (!cursor_at_end(&c)) {
		const char *item;
		size_t m;

		cursor_until(&c, ",", &item, &m);
		cursor_char(&c, ',');
		if (m == strlen(word) && memcmp(item, word, m) == 0)
			return true;
	}
	return false;
}

bool machine_mount_has(const struct machine *machine, const char *path, const char *option,
		       char *ret_point, size_t size)
{
	_cleanup_free_ char *text = machine_read(machine, "/proc/self/mountinfo");
	struct cursor c = cursor_of(text ? text : ""), line;
	size_t longest = 0;
	bool has = false;

	/* "36 35 98:0 /root /point nosuid,nodev …": of several on one point the last is on top. */
	while (cursor_line(&c, &line)) {
		const char *field[6];
		size_t n[6];

		for (size_t i = 0; i < ARRAY_SIZE(field); i++) {
			cursor_until(&line, " ", &field[i], &n[i]);
			cursor_char(&line, ' ');
		}
		if (n[4] < longest || n[4] == 0 || !lies_under(path, field[4], n[4]))
			continue;
		longest = n[4];
		has = has_word(field[5], n[5], option);
		(void)str_print(ret_point, size, "%.*s", (int)n[4], field[4]);
	}
	return has;
}

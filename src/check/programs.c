/* SPDX-License-Identifier: Apache-2.0 */
/* Tests for devices, the runtime directory, and the target itself. */
#include "cause.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"

bool device_is_missing(struct facts *facts, const char *arg)
{
	return !machine_exists(facts->machine, "/dev/net/tun") &&
	       machine_in_container(facts->machine) == streq(arg, "container");
}

bool is_in_container(struct facts *facts, const char *arg)
{
	(void)arg;
	return machine_in_container(facts->machine);
}

static bool stat_device(struct facts *facts, struct stat *ret)
{
	char place[PATH_MAX];

	return machine_path(facts->machine, "/dev/net/tun", place, sizeof(place)) &&
	       stat(place, ret) == 0;
}

bool device_is_something_else(struct facts *facts, const char *arg)
{
	struct stat st;

	(void)arg;
	if (!stat_device(facts, &st) || S_ISCHR(st.st_mode))
		return false;
	return str_print(facts->value, sizeof(facts->value), "%s",
			 S_ISDIR(st.st_mode)   ? "a directory"
			 : S_ISREG(st.st_mode) ? "a file"
					       : "something else") == 0;
}

/* man 8 mount, nodev: devices there are not opened, whatever their modes. */
bool device_is_on_nodev(struct facts *facts, const char *arg)
{
	struct stat st;

	(void)arg;
	return stat_device(facts, &st) && machine_mount_has(facts->machine, "/dev/net/tun", "nodev",
							    facts->point, sizeof(facts->point));
}

bool device_is_closed(struct facts *facts, const char *arg)
{
	struct stat st;

	(void)arg;
	if (!stat_device(facts, &st) || (st.st_mode & 0006) == 0006)
		return false;
	return str_print(facts->value, sizeof(facts->value), "%04o", st.st_mode & 07777) == 0;
}

static void add_shield(struct facts *facts, const char *option)
{
	size_t value = strlen(facts->value), path = strlen(facts->path);

	(void)str_print(facts->value + value, sizeof(facts->value) - value, "%s%s=true",
			value > 0 ? " " : "", option);
	(void)str_print(facts->path + path, sizeof(facts->path) - path, "%s%s=auto",
			path > 0 ? " " : "", option);
}

bool shield_was_required(struct facts *facts, const char *arg)
{
	(void)arg;
	if (facts->config->slirp4netns_sandbox == TRI_TRUE)
		add_shield(facts, "--slirp4netns-sandbox");
	if (facts->config->slirp4netns_seccomp == TRI_TRUE)
		add_shield(facts, "--slirp4netns-seccomp");
	return *facts->value != '\0';
}

bool slirp_is_elsewhere(struct facts *facts, const char *arg)
{
	(void)arg;
	return is_elsewhere(facts, facts->config->slirp4netns_binary);
}

/* The state directory's error names who has it: "is in use by process 1234 (…)". */
bool holder_is_known(struct facts *facts, const char *arg)
{
	static const char words[] = "is in use by process ";
	const char *at = strstr(facts->err->text, words);
	struct cursor c = cursor_of(at ? at + strlen(words) : "");
	uint32_t pid;

	(void)arg;
	return cursor_u32(&c, INT32_MAX, &pid) == 0 &&
	       str_print(facts->value, sizeof(facts->value), "%u", pid) == 0;
}

static bool is_wanted_below(const struct facts *facts, const char *dir)
{
	return !facts->config->state_dir || str_after(facts->config->state_dir, dir);
}

bool runtime_dir_is_unset(struct facts *facts, const char *arg)
{
	const char *given = getenv("XDG_RUNTIME_DIR"), *wanted = facts->config->state_dir;

	/* "$XDG_RUNTIME_DIR/name" is "/name" then. */
	if ((given && *given) || (wanted && strrchr(wanted, '/') != wanted))
		return false;
	return str_print(facts->path, sizeof(facts->path), "/run/user/%u",
			 machine_id(facts->machine, "Uid")) == 0 &&
	       machine_exists(facts->machine, facts->path) == streq(arg, "there");
}

/* A user's manager sets the variable, a system's does not. INVOCATION_ID: man 5 systemd.exec. */
bool unit_has_no_runtime_dir(struct facts *facts, const char *arg)
{
	const char *given = getenv("XDG_RUNTIME_DIR"), *unit = getenv("INVOCATION_ID");
	const char *wanted = facts->config ? facts->config->state_dir : NULL;

	(void)arg;
	/* As in runtime_dir_is_unset(). */
	return !(given && *given) && unit && *unit && !(wanted && strrchr(wanted, '/') != wanted);
}

bool runtime_dir_is_gone(struct facts *facts, const char *arg)
{
	const char *given = getenv("XDG_RUNTIME_DIR");

	(void)arg;
	return given && *given == '/' && is_wanted_below(facts, given) &&
	       !machine_exists(facts->machine, given) &&
	       str_print(facts->value, sizeof(facts->value), "%s", given) == 0;
}

/* After su(1) or sudo(8) it is still that of the login session's user. */
bool runtime_dir_is_not_ours(struct facts *facts, const char *arg)
{
	const char *given = getenv("XDG_RUNTIME_DIR");
	char place[PATH_MAX];
	struct stat st;

	(void)arg;
	if (!given || !*given || !is_wanted_below(facts, given) ||
	    !machine_path(facts->machine, given, place, sizeof(place)) || stat(place, &st) < 0 ||
	    st.st_uid == machine_id(facts->machine, "Uid"))
		return false;
	return str_print(facts->value, sizeof(facts->value), "%s, which belongs to uid %u", given,
			 st.st_uid) == 0;
}

static const char *target(const struct facts *facts)
{
	return facts->config->command && facts->config->command[0] ? facts->config->command[0] : "";
}

static bool find_target(struct facts *facts)
{
	return machine_find(facts->machine, target(facts), facts->path, sizeof(facts->path));
}

/* execve(2) says ENOENT also where the interpreter that a script names is missing. */
bool target_has_no_interpreter(struct facts *facts, const char *arg)
{
	char place[PATH_MAX], line[256];
	_cleanup_close_ int fd = -1;
	char *name;
	ssize_t n;

	(void)arg;
	if (!find_target(facts) || !machine_path(facts->machine, facts->path, place, sizeof(place)))
		return false;
	fd = open(place, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	n = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);
	if (n < 3 || line[0] != '#' || line[1] != '!')
		return false;
	line[n] = '\0';
	name = line + 2 + strspn(line + 2, " \t");
	name[strcspn(name, " \t\n")] = '\0';
	(void)str_print(facts->value, sizeof(facts->value), "%s", name);
	return *name && !machine_exists(facts->machine, name);
}

bool is_elsewhere(struct facts *facts, const char *arg)
{
	const char *name = arg ? arg : target(facts);

	return *name && !machine_find(facts->machine, name, facts->path, sizeof(facts->path)) &&
	       machine_find_elsewhere(facts->machine, name, 0111, facts->value,
				      sizeof(facts->value)) &&
	       str_print(facts->path, sizeof(facts->path), "%s/%s", facts->value, name) == 0;
}

bool target_is_not_in_path(struct facts *facts, const char *arg)
{
	const char *path = getenv("PATH");

	(void)arg;
	if (!*target(facts) || strchr(target(facts), '/') || find_target(facts))
		return false;
	(void)str_print(facts->path, sizeof(facts->path), "%s", target(facts));
	(void)str_print(facts->value, sizeof(facts->value), "%s", path ? path : "");
	return true;
}

bool target_is_absent(struct facts *facts, const char *arg)
{
	(void)arg;
	return strchr(target(facts), '/') && !machine_exists(facts->machine, target(facts)) &&
	       str_print(facts->path, sizeof(facts->path), "%s", target(facts)) == 0;
}

static bool stat_target(struct facts *facts, struct stat *ret)
{
	char place[PATH_MAX];

	if (!find_target(facts))
		(void)str_print(facts->path, sizeof(facts->path), "%s", target(facts));
	return machine_path(facts->machine, facts->path, place, sizeof(place)) &&
	       stat(place, ret) == 0;
}

/* access(2) would ask for us now; fake root's rights are those of our uid on others' files. */
bool is_closed_to_us(struct facts *facts, const struct stat *st, mode_t bits)
{
	uint32_t uid = machine_id(facts->machine, "Uid"), gid = machine_id(facts->machine, "Gid");
	mode_t ours = st->st_uid == uid ? 0700 : st->st_gid == gid ? 0070 : 0007;

	if ((st->st_mode & ours & bits) == (bits & ours))
		return false;
	return str_print(facts->value, sizeof(facts->value), "uid %u and gid %u, mode %04o",
			 st->st_uid, st->st_gid, st->st_mode & 07777) == 0;
}

bool target_is_out_of_reach(struct facts *facts, const char *arg)
{
	const char *path = target(facts);
	char place[PATH_MAX];
	struct stat st;

	(void)arg;
	for (const char *at = strchr(path, '/'); at; at = strchr(at + 1, '/')) {
		int n = at == path ? 1 : (int)(at - path);

		if (str_print(facts->point, sizeof(facts->point), "%.*s", n, path) < 0 ||
		    !machine_path(facts->machine, facts->point, place, sizeof(place)) ||
		    stat(place, &st) < 0 || !S_ISDIR(st.st_mode))
			return false;
		if (is_closed_to_us(facts, &st, 0111))
			return true;
	}
	return false;
}

bool target_is_not_for_us(struct facts *facts, const char *arg)
{
	struct stat st;

	(void)arg;
	return stat_target(facts, &st) && S_ISREG(st.st_mode) && is_closed_to_us(facts, &st, 0111);
}

bool target_is_directory(struct facts *facts, const char *arg)
{
	struct stat st;

	(void)arg;
	return stat_target(facts, &st) && S_ISDIR(st.st_mode);
}

bool target_has_no_x_bit(struct facts *facts, const char *arg)
{
	struct stat st;

	(void)arg;
	return stat_target(facts, &st) && S_ISREG(st.st_mode) && !(st.st_mode & 0111) &&
	       str_print(facts->value, sizeof(facts->value), "%04o", st.st_mode & 07777) == 0;
}

bool target_is_on_noexec(struct facts *facts, const char *arg)
{
	struct stat st;

	(void)arg;
	return stat_target(facts, &st) && machine_mount_has(facts->machine, facts->path, "noexec",
							    facts->point, sizeof(facts->point));
}

bool target_is_there(struct facts *facts, const char *arg)
{
	(void)arg;
	return find_target(facts);
}

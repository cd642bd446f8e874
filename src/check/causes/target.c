/* SPDX-License-Identifier: Apache-2.0 */
/* The target itself. */
#include "../cause.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/str.h"

#define EXEC STEP_BIT(STEP_EXEC)

static const char *target(const struct facts *facts)
{
	return facts->config->command && facts->config->command[0] ? facts->config->command[0] : "";
}

static bool find_target(struct facts *facts)
{
	return machine_find(facts->machine, target(facts), facts->path, sizeof(facts->path));
}

/* execve(2) says ENOENT also where the interpreter that a script names is missing. */
static bool target_has_no_interpreter(struct facts *facts, const char *arg)
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

static bool target_is_elsewhere(struct facts *facts, const char *arg)
{
	(void)arg;
	return is_elsewhere(facts, target(facts));
}

static bool target_is_not_in_path(struct facts *facts, const char *arg)
{
	const char *path = getenv("PATH");

	(void)arg;
	if (!*target(facts) || strchr(target(facts), '/') || find_target(facts))
		return false;
	(void)str_print(facts->path, sizeof(facts->path), "%s", target(facts));
	(void)str_print(facts->value, sizeof(facts->value), "%s", path ? path : "");
	return true;
}

static bool target_is_absent(struct facts *facts, const char *arg)
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

static bool target_is_out_of_reach(struct facts *facts, const char *arg)
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

static bool target_is_not_for_us(struct facts *facts, const char *arg)
{
	struct stat st;

	(void)arg;
	return stat_target(facts, &st) && S_ISREG(st.st_mode) && is_closed_to_us(facts, &st, 0111);
}

static bool target_is_directory(struct facts *facts, const char *arg)
{
	struct stat st;

	(void)arg;
	return stat_target(facts, &st) && S_ISDIR(st.st_mode);
}

static bool target_has_no_x_bit(struct facts *facts, const char *arg)
{
	struct stat st;

	(void)arg;
	return stat_target(facts, &st) && S_ISREG(st.st_mode) && !(st.st_mode & 0111) &&
	       str_print(facts->value, sizeof(facts->value), "%04o", st.st_mode & 07777) == 0;
}

static bool target_is_on_noexec(struct facts *facts, const char *arg)
{
	struct stat st;

	(void)arg;
	return stat_target(facts, &st) && is_mounted_with(facts, facts->path, "noexec");
}

static bool target_is_there(struct facts *facts, const char *arg)
{
	(void)arg;
	return find_target(facts);
}

const struct cause causes_of_the_target[] = {
	{
		.id = "interpreter-missing",
		.steps = EXEC,
		.codes = {ENOENT},
		.test = target_has_no_interpreter,
		.cause = "{path} is there, but not {value}, the interpreter that its first line "
			 "names",
		.remedy =
			"install {value}, or name the interpreter that is there in the first line",
	},
	{
		/* Daemons look for iptables and runc where only root's PATH leads. */
		.id = "target-in-sbin",
		.steps = EXEC,
		.codes = {ENOENT},
		.test = target_is_elsewhere,
		.cause = "it is {path}, and PATH does not have {value}",
		.remedy = "PATH=$PATH:{value}",
	},
	{
		.id = "target-not-in-path",
		.steps = EXEC,
		.codes = {ENOENT, EACCES},
		.test = target_is_not_in_path,
		.cause = "{path} is not in PATH ({value})",
		.remedy = "its absolute path, or a PATH that leads to it",
	},
	{
		.id = "target-absent",
		.steps = EXEC,
		.codes = {ENOENT, ENOTDIR},
		.test = target_is_absent,
		.cause = "there is no {path}",
		.remedy = "the path of an executable file; one that a --copy-up hides must be "
			  "there when it starts",
	},
	{
		.id = "target-dir-closed",
		.steps = EXEC,
		.codes = {EACCES},
		.test = target_is_out_of_reach,
		.cause = "{point} belongs to {value}: fake root has no more rights there than "
			 "{user}",
		.remedy = "sudo chmod o+x {point}; or a copy of the program elsewhere",
	},
	{
		.id = "target-directory",
		.steps = EXEC,
		.codes = {EACCES},
		.test = target_is_directory,
		.cause = "{path} is a directory",
		.remedy = "the path of an executable file",
	},
	{
		.id = "target-no-x-bit",
		.steps = EXEC,
		.codes = {EACCES},
		.test = target_has_no_x_bit,
		.cause = "{path} is not executable: its mode is {value}",
		.remedy = "chmod +x {path}, where it is a program",
	},
	{
		.id = "target-closed",
		.steps = EXEC,
		.codes = {EACCES},
		.test = target_is_not_for_us,
		.cause =
			"{path} belongs to {value}: fake root has no more rights on it than {user}",
		.remedy = "sudo chmod o+rx {path}",
	},
	{
		.id = "target-noexec",
		.steps = EXEC,
		.codes = {EACCES},
		.test = target_is_on_noexec,
		.cause = "{path} is on {point}, which is mounted noexec",
		.remedy = "a copy of it on another file system, or sudo mount -o remount,exec "
			  "{point}",
	},
	{
		.id = "target-foreign-format",
		.steps = EXEC,
		.codes = {ENOEXEC},
		.test = target_is_there,
		.cause = "{path} is neither an executable of this machine nor a script whose "
			 "first line is #! and an interpreter",
		.remedy = "sh {path}, where it is a shell script",
	},
	{.cause = NULL},
};

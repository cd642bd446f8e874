/* SPDX-License-Identifier: Apache-2.0 */
/* Errors when the target is executed. */
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

/* Set {path}: the path in PATH, or else the name. */
static bool find_target(struct facts *facts, struct stat *ret)
{
	char path[PATH_MAX];

	if (!machine_find(facts->machine, target(facts), path, sizeof(path)))
		(void)str_print(path, sizeof(path), "%s", target(facts));
	return fact(facts, "path", "%s", path) && machine_stat(facts->machine, path, ret);
}

static bool find_file(struct facts *facts, struct stat *ret)
{
	return find_target(facts, ret) && S_ISREG(ret->st_mode);
}

static bool target_is_there(struct facts *facts)
{
	struct stat st;

	return find_file(facts, &st);
}

/* execve(2) also returns ENOENT if the interpreter of a script is missing. */
static bool target_has_no_interpreter(struct facts *facts)
{
	char place[PATH_MAX], line[256], *name;
	_cleanup_close_ int fd = -1;
	struct stat st;
	ssize_t n;

	if (!find_file(facts, &st) ||
	    !machine_path(facts->machine, fact_text(facts, "path"), place, sizeof(place)))
		return false;
	fd = open(place, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	n = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);
	if (n < 3 || line[0] != '#' || line[1] != '!')
		return false;
	line[n] = '\0';
	name = line + 2 + strspn(line + 2, " \t");
	name[strcspn(name, " \t\n")] = '\0';
	return *name && !machine_exists(facts->machine, name) &&
	       fact(facts, "interpreter", "%s", name);
}

static bool target_is_not_in_path(struct facts *facts)
{
	const char *path = getenv("PATH");
	char found[PATH_MAX];

	return *target(facts) && !strchr(target(facts), '/') &&
	       !machine_find(facts->machine, target(facts), found, sizeof(found)) &&
	       fact(facts, "name", "%s", target(facts)) &&
	       fact(facts, "search path", "%s", path ? path : "");
}

static bool target_is_absent(struct facts *facts)
{
	return strchr(target(facts), '/') && !machine_exists(facts->machine, target(facts)) &&
	       fact(facts, "path", "%s", target(facts));
}

static bool target_is_out_of_reach(struct facts *facts)
{
	const char *path = target(facts);
	char dir[PATH_MAX];
	struct stat st;

	for (const char *at = strchr(path, '/'); at; at = strchr(at + 1, '/')) {
		int n = at == path ? 1 : (int)(at - path);

		if (str_print(dir, sizeof(dir), "%.*s", n, path) < 0 ||
		    !machine_stat(facts->machine, dir, &st) || !S_ISDIR(st.st_mode))
			return false;
		if (is_closed_to_us(facts, &st, 0111))
			return fact(facts, "dir", "%s", dir);
	}
	return false;
}

static bool target_is_not_for_us(struct facts *facts)
{
	struct stat st;

	return find_file(facts, &st) && is_closed_to_us(facts, &st, 0111);
}

static bool target_is_directory(struct facts *facts)
{
	struct stat st;

	return find_target(facts, &st) && S_ISDIR(st.st_mode);
}

static bool target_has_no_x_bit(struct facts *facts)
{
	struct stat st;

	return find_file(facts, &st) && !(st.st_mode & 0111) &&
	       fact(facts, "mode", "%04o", st.st_mode & 07777);
}

static bool target_is_on_noexec(struct facts *facts)
{
	struct stat st;

	return find_target(facts, &st) &&
	       is_mounted_with(facts, fact_text(facts, "path"), "noexec");
}

const struct cause causes_of_the_target[] = {
	{FAILURE("interpreter-missing", EXEC, ANY_REASON, ENOENT),
	 .test = target_has_no_interpreter,
	 .cause = "{path} exists, but {interpreter}, the interpreter in its first line, does not",
	 .remedy = "install {interpreter}\nchange the first line to an interpreter that exists"},
	{FAILURE("target-not-in-path", EXEC, ANY_REASON, ENOENT, EACCES),
	 .test = target_is_not_in_path, .cause = "{name} is not in PATH ({search path})",
	 .remedy =
		 "use the absolute path of the command\nadd the directory of the command to PATH"},
	{FAILURE("target-absent", EXEC, ANY_REASON, ENOENT, ENOTDIR), .test = target_is_absent,
	 .cause = "there is no {path}",
	 .remedy = "use the path of an executable file # with --copy-up, it must exist when "
		   "fauxroot starts"},
	{FAILURE("target-dir-closed", EXEC, ANY_REASON, EACCES), .test = target_is_out_of_reach,
	 .cause = "{dir} belongs to {rights}: fake root has the same rights there as {user}",
	 .remedy = "sudo chmod o+x {dir}\ncopy the program to another directory"},
	{FAILURE("target-directory", EXEC, ANY_REASON, EACCES), .test = target_is_directory,
	 .cause = "{path} is a directory", .remedy = "use the path of an executable file"},
	{FAILURE("target-no-x-bit", EXEC, ANY_REASON, EACCES), .test = target_has_no_x_bit,
	 .cause = "{path} is not executable: its mode is {mode}",
	 .remedy = "chmod +x {path} # if it is a program"},
	{FAILURE("target-closed", EXEC, ANY_REASON, EACCES), .test = target_is_not_for_us,
	 .cause = "{path} belongs to {rights}: fake root has the same rights on it as {user}",
	 .remedy = "sudo chmod o+rx {path}"},
	{FAILURE("target-noexec", EXEC, ANY_REASON, EACCES), .test = target_is_on_noexec,
	 .cause = "{path} is on {mount}, which is mounted noexec",
	 .remedy = "copy it to another file system\nsudo mount -o remount,exec {mount}"},
	{FAILURE("target-foreign-format", EXEC, ANY_REASON, ENOEXEC), .test = target_is_there,
	 .cause = "{path} is neither an executable of this machine nor a script whose first line "
		  "is #! and an interpreter",
	 .remedy = "sh {path} # if it is a shell script"},
	{.cause = NULL},
};

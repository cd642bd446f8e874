/* SPDX-License-Identifier: Apache-2.0 */
/* The table of causes: the target itself. */
#include "cause.h"

#include <errno.h>

#define EXEC STEP_BIT(STEP_EXEC)

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
		.test = is_elsewhere,
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

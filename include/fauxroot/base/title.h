/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line that ps(1) and `systemctl status` show for a process of fauxroot.
 *
 * A fork has the command line of its parent. The kernel reads it from the memory where execve(2)
 * put the arguments (man 5 proc, "/proc/PID/cmdline"), so a process changes its own by writing
 * there. The environment begins directly behind it and stays unchanged: clients read it in
 * /proc/PID/environ.
 */
#pragma once

#include <stddef.h>

/*
 * title_init() - remember where the command line is, and copy its arguments to other memory
 * @argc, @argv: the arguments of main()
 *
 * Call it once, before anything keeps a pointer into @argv. Returns the copy, NULL-terminated, to
 * be used instead of @argv; it is never freed. When out of memory it returns @argv, and titles
 * change nothing.
 */
char **title_init(int argc, char **argv);

/*
 * title_set() - show @title instead of the whole command line, and as the name of the process
 *
 * For a fork: the parent's command line stays. If the original command line is too short for
 * @title, the part of @title before its last ": " is left out first, and then its end. The name
 * (man 2 prctl, PR_SET_NAME) has at most 15 bytes. Without title_init() only the name is set.
 */
void title_set(const char *title);

/* title_drop_argument() - hide argument @n, counted from 0, of the command line */
void title_drop_argument(size_t n);

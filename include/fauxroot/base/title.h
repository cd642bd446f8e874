/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line that ps(1) and `systemctl status` show of a process of ours.
 *
 * A fork has the command line of its parent. The kernel reads it from where execve(2) has put the
 * words (man 5 proc, "/proc/PID/cmdline"), so a process changes its own by writing there. The
 * environment begins right behind and stays as it is: clients read it in /proc/PID/environ.
 */
#pragma once

#include <stddef.h>

/*
 * title_take() - remember where the command line is, and copy its words elsewhere
 * @argc, @argv: as main() has them
 *
 * Call it once, before anything keeps a pointer into @argv. Returns the copy, NULL-terminated, for
 * use in the place of @argv; it is never freed. Where memory is short it returns @argv, and titles
 * change nothing.
 */
char **title_take(int argc, char **argv);

/*
 * title_set() - show @title in the place of the whole command line, and as the process's name
 *
 * For a fork: the parent's command line stays. Where the command line that the process was
 * executed with is too short for @title, what stands before its last ": " is left out first, and
 * then its end. The name (man 2 prctl, PR_SET_NAME) has at most 15 bytes. Without title_take() only
 * the name is set.
 */
void title_set(const char *title);

/* title_drop_word() - leave the word @n, from 0 on, out of the command line that is shown */
void title_drop_word(size_t n);

/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/PID/stat as far as it says whose child a process is (man 5 proc). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * procstat_parse() - state letter and parent of a line of /proc/PID/stat
 * @text: of @size bytes; the command's name in it may hold anything, parentheses and newlines too
 * @ret_ppid: 0 where the parent is outside of our PID namespace
 *
 * Returns 0, or -EINVAL with the outputs untouched.
 */
int procstat_parse(const char *text, size_t size, char *ret_state, pid_t *ret_ppid);

/*
 * procstat_read() - the same of the process @pid
 * @proc: descriptor of /proc; AT_FDCWD: the one that is mounted there
 *
 * Returns 0; -ESRCH where there is none; -errno with the outputs untouched.
 */
int procstat_read(int proc, pid_t pid, char *ret_state, pid_t *ret_ppid);

/* procstat_is_ours() - does /proc show our own PID namespace? */
bool procstat_is_ours(void);

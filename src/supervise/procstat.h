/* SPDX-License-Identifier: Apache-2.0 */
/* State and parent of a process, from /proc/PID/stat (man 5 proc). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * procstat_parse() - parse the state letter and the parent in a line of /proc/PID/stat
 * @text: @size bytes; the command's name in it may contain any bytes, also parentheses and newlines
 * @ret_ppid: 0 if the parent is outside of our PID namespace
 *
 * Returns 0, or -EINVAL with the outputs untouched.
 */
int procstat_parse(const char *text, size_t size, char *ret_state, pid_t *ret_ppid);

/*
 * procstat_read() - procstat_parse() for the process @pid
 * @proc: descriptor of /proc; AT_FDCWD: open by the path /proc
 *
 * Returns 0; -ESRCH if the process does not exist; or -errno, with the outputs untouched.
 */
int procstat_read(int proc, pid_t pid, char *ret_state, pid_t *ret_ppid);

/* procstat_is_ours() - does /proc show our own PID namespace? */
bool procstat_is_ours(void);

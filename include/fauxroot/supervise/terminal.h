/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The controlling terminal, for a command in a PID namespace.
 *
 * A shell in the namespace cannot name a process group outside of it: it sees such a group as 0.
 * When it starts, it makes its own group the terminal's foreground group. When it stops or exits,
 * it cannot restore the old one. The launcher does that from outside. Without a controlling
 * terminal these functions change no foreground group. All signals must be blocked, above all
 * SIGTTOU (man 3 tcsetpgrp).
 */
#pragma once

#include <stdbool.h>

struct process;

/*
 * terminal_stop() - job_stop(), and restore the terminal's foreground group
 * @command: PROCESS_NONE if it is not known
 *
 * Returns true when we have been continued; false at once if nothing would continue us. If the
 * command's process group was the foreground group, and our group is it now (a shell's fg does
 * that), the command's group becomes the foreground group again. This happens before SIGCONT is
 * forwarded; otherwise the command would continue in the background.
 */
bool terminal_stop(const struct process *command);

/* terminal_take_back() - after the command has exited: make our group the foreground group, if the
 * foreground group has no processes left */
void terminal_take_back(void);

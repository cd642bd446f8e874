/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The controlling terminal, where the command is in a PID namespace.
 *
 * A shell in there cannot name a process group outside: from its side that is group 0. So it takes
 * the terminal for its own group when it starts, and cannot give it back when it stops or ends. We
 * do, from outside. Without a controlling terminal these functions do nothing but what they are
 * called. All signals must be blocked, SIGTTOU above all (man 3 tcsetpgrp).
 */
#pragma once

#include <stdbool.h>

struct process;

/*
 * terminal_stop() - job_stop(), and see to the terminal
 * @command: PROCESS_NONE where it is not known
 *
 * Returns true when somebody has continued us; false at once where nobody could. If the command's
 * process group had the terminal for itself, and the terminal is ours now, as a shell's fg has made
 * it, it is handed to that group again: before SIGCONT is passed on, or the command would find
 * itself in the background.
 */
bool terminal_stop(const struct process *command);

/* terminal_take_back() - the command has ended: take the terminal where the group that has it has
 * died out */
void terminal_take_back(void);

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
#include <sys/types.h>

/* terminal_front() - the process group that has the terminal; -1 without one */
pid_t terminal_front(void);

/* terminal_group_is_inside() - is the leader of the process group @group, as our /proc shows it, in
 * the PID namespace of the descriptor @pidns? */
bool terminal_group_is_inside(pid_t group, int pidns);

/*
 * terminal_stop() - stop this process (SIGSTOP), as the command has stopped
 * @heir: the command's process group, where the terminal is its own; else -1
 *
 * Returns when somebody continues us. If the terminal is ours then, as a shell's fg has made it, it
 * is handed to @heir.
 */
void terminal_stop(pid_t heir);

/* terminal_take_back() - the command has ended: take the terminal where the group that has it has
 * died out */
void terminal_take_back(void);

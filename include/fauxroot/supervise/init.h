/* SPDX-License-Identifier: Apache-2.0 */
/* With --pidns: the child executes our own executable again and becomes the namespace's init. */
#pragma once

#include <stdbool.h>

struct error;
struct init_args;

/* init_open_self() - open our executable, while /proc is the host's and no mount hides it; 0 or
 * -errno */
int init_open_self(int *ret, struct error *err);

/*
 * init_execute() - in the child: execute our executable as init
 * @self: from init_open_self()
 * @args: its descriptors are inherited
 * @command: for init
 *
 * Returns -errno, or does not return.
 */
int init_execute(int self, const struct init_args *args, char **command, struct error *err);

/* init_is_wanted() - was this program executed by init_execute()? */
bool init_is_wanted(int argc, char **argv);

/*
 * init_run() - run as init of a PID namespace
 *
 * When the command exits, init exits by _exit(2) with the same status. The function returns only
 * after a failure, which it has reported to the launcher if possible. Returns the exit status.
 */
int init_run(char **argv);

/* SPDX-License-Identifier: Apache-2.0 */
/* With --pidns, in the launcher: what init has reported about the command (reports.h). */
#pragma once

#include <stdbool.h>

#include "fauxroot/base/spawn.h"

struct reported {
	int sock;	       /* the launcher's end of the reports; -1: there is none */
	struct process target; /* the command, from its start to its end; else none */
	bool ended;	       /* init has reported the command's exit status */
	int status;	       /* that status, in the form of waitpid(2) */
};

#define REPORTED_NONE ((struct reported){.sock = -1, .target = PROCESS_NONE})

/*
 * reported_take() - read the reports that have arrived
 * @live: the command has not exited: when it stops, this process stops, too
 *
 * The command can forge reports to keep us stopped. So we stop once for all waiting reports, and
 * only if /proc shows that the command is stopped. Returns true if there is nothing more to read:
 * the caller closes the socket.
 */
bool reported_take(struct reported *reported, bool live);

/* SPDX-License-Identifier: Apache-2.0 */
/* The child's column of the launch: from the clone to the target's execve(2). */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "fauxroot/base/macro.h"

struct config;
struct error;
struct signals;

/* All that the child needs to know; filled by the launcher before the clone. */
struct child_plan {
	const struct config *config;
	const struct signals *signals;
	const char *state_dir;
	bool own_netns;	    /* a /sys of its own is due */
	bool network_files; /* resolv.conf and hosts lie in the state directory */
	bool activated;	    /* LISTEN_FDS are for the launcher, and so for the target */
	const char *notify; /* the target's NOTIFY_SOCKET; NULL: the caller's */
	pid_t launcher;	    /* as the caller's variables name it */
	uid_t parent_euid;  /* the launcher's effective ids, in its own user namespace */
	gid_t parent_egid;
	struct progress *progress; /* shared with the launcher; NULL: none */
	int sock, peer_sock; /* the handshake: the child's end, and the launcher's, closed before */
	int reports;	     /* with --pidns, init's end of them; else -1 */
};

/* child_main() - runs in the new namespaces; ends in the target, or in a HANDSHAKE_FAILED */
_noreturn_ void child_main(const struct child_plan *plan);

/*
 * target_exec() - the last step of the child, or of a child of init: become the command
 *
 * Finds it in PATH, gives it the caller's signal mask, executes it. Returns -errno at STEP_EXEC.
 */
int target_exec(char **command, const struct signals *signals, struct error *err);

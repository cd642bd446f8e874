/* SPDX-License-Identifier: Apache-2.0 */
/* The launcher: one call from the parsed command line to the target's exit status. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct config;
struct error;
struct signals;

/*
 * What the caller may want to say about a launch while it goes on: check/, which knows causes and
 * remedies, is no neighbour of launch/.
 */
struct launch_hooks {
	/* The maps are planned: so many ids, the caller's own included. Not with --idmap=single. */
	void (*ids_planned)(uint64_t uids, uint64_t gids);
};

/* launcher_is_init() - has a launcher's child executed itself as init of a PID namespace? */
bool launcher_is_init(int argc, char **argv);

/*
 * launcher_init() - the life of that init
 *
 * Ends with the command, by _exit(2) with its status; returns the exit status of a failure that it
 * has told the launcher.
 */
int launcher_init(char **argv);

/*
 * launcher_run() - make the namespaces, run the target in them, and clean up after it
 * @signals: blocked and open: signals_block()
 * @activated: the environment's LISTEN_FDS are for this process: activation_is_for()
 * @hooks: what to call on the way
 * @ret_status: the target's status in the form of waitpid(2)
 *
 * Returns 0 once the target has run and ended; else -errno with the step that failed, nothing being
 * left behind in either case. -ECANCELED: a terminating signal came during the launch, and is still
 * pending: signals_pending_end().
 */
int launcher_run(const struct config *config, const struct signals *signals, bool activated,
		 const struct launch_hooks *hooks, int *ret_status, struct error *err);

/* SPDX-License-Identifier: Apache-2.0 */
/* The launcher: one call from the parsed command line to the target's exit status. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct config;
struct error;
struct signals;

/*
 * Callbacks to the caller during a launch. launch/ may not include check/, which has the causes and
 * remedies; the caller connects the two.
 */
struct launch_hooks {
	/* The id maps are planned. @uids, @gids: number of ids, including the caller's own. Not
	 * called with --idmap=single. */
	void (*ids_planned)(uint64_t uids, uint64_t gids);
};

/* launcher_is_init() - was this program executed by a launcher's child as init of a PID namespace?
 */
bool launcher_is_init(int argc, char **argv);

/*
 * launcher_init() - run as init of a PID namespace
 *
 * When the command exits, init exits by _exit(2) with the same status. The function returns only
 * after a failure, which it has reported to the launcher: the exit status.
 */
int launcher_init(char **argv);

/*
 * launcher_run() - make the namespaces, run the target in them, and clean up after it
 * @signals: blocked and open: signals_block()
 * @activated: the environment's LISTEN_FDS are for this process: activation_is_for()
 * @hooks: callbacks
 * @ret_status: the target's status in the form of waitpid(2)
 *
 * Returns 0 when the target has run and exited, else -errno with the failed step. In both cases
 * everything is cleaned up. -ECANCELED: a terminating signal came during the launch and is still
 * pending: signals_pending_end().
 */
int launcher_run(const struct config *config, const struct signals *signals, bool activated,
		 const struct launch_hooks *hooks, int *ret_status, struct error *err);

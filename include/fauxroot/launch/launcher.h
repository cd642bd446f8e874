/* SPDX-License-Identifier: Apache-2.0 */
/* The launcher: one call from the parsed command line to the target's exit status. */
#pragma once

#include <stdbool.h>

struct config;
struct error;
struct launch_hooks;
struct signals;

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

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a launch failed on this machine, and what mends it. One table of causes; the launcher prints
 * what matches its error, and --check will ask the same rows in advance.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct config;
struct error;
struct machine;

/* One line each, as the log prints them. */
struct explanation {
	const char *id;	   /* the name of the row of the table */
	char cause[512];   /* what was read, with its value */
	char remedy[1024]; /* a command or a setting, ready to paste */
};

/*
 * explain() - the cause and the remedy of the failure @err
 * @config: what was asked for
 *
 * Only what was found on @machine is told: where no row of the table holds, nothing is guessed.
 * Returns true where a cause is known, else false with @ret untouched.
 */
bool explain(const struct error *err, const struct config *config, const struct machine *machine,
	     struct explanation *ret);

/*
 * explain_unit() - the warning for a systemd unit in whose environment XDG_RUNTIME_DIR is missing
 *
 * Daemons that run as root of a user namespace put sockets and state below it, and without it below
 * /run and /var, where they may not write. Returns true, with @ret filled, where INVOCATION_ID is
 * set (man 5 systemd.exec) and XDG_RUNTIME_DIR is not; else false with @ret untouched.
 */
bool explain_unit(const struct machine *machine, struct explanation *ret);

/*
 * explain_few_ids() - the warning for a map that container images do not fit into
 * @uids, @gids: how many ids are mapped, the caller's own included
 *
 * Images use ids up to 65535. Returns true where either count is below 65536.
 */
bool explain_few_ids(uint64_t uids, uint64_t gids, const struct machine *machine,
		     struct explanation *ret);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a launch fails on this machine, and how to fix it. There is one table of causes. The launcher
 * prints the row that matches its error; --check uses the same rows before a launch.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct config;
struct error;
struct machine;

struct explanation {
	const char *id;	   /* the name of the row of the table */
	char cause[512];   /* one line: the file or setting that was read, with its value */
	char remedy[1024]; /* one alternative a line: a command to paste, or a setting */
};

/*
 * explain() - find the cause and the remedy of the failure @err
 * @config: the options of the launch
 *
 * Reports only facts that were found on @machine; nothing is guessed. Returns true if a row of the
 * table matches, else false with @ret untouched.
 */
bool explain(const struct error *err, const struct config *config, const struct machine *machine,
	     struct explanation *ret);

/*
 * explain_unit() - the warning for a systemd unit without XDG_RUNTIME_DIR in its environment
 *
 * Daemons that run as root of a user namespace put sockets and state in that directory. Without it
 * they use /run and /var, where they cannot write. Returns true, with @ret filled, if INVOCATION_ID
 * is set (man 5 systemd.exec) and XDG_RUNTIME_DIR is not; else false with @ret untouched.
 */
bool explain_unit(const struct machine *machine, struct explanation *ret);

/*
 * explain_overlap() - the warning for a host whose own network overlaps the command's
 * @config: the options of the launch
 *
 * Returns true if the command gets a network with addresses of its own, and @machine has a route
 * into it, or an address in it.
 */
bool explain_overlap(const struct config *config, const struct machine *machine,
		     struct explanation *ret);

/*
 * explain_few_ids() - the warning for a map that is too small for container images
 * @uids, @gids: the number of mapped ids, including the caller's own
 *
 * Images use ids up to 65535. Returns true if either count is less than 65536.
 */
bool explain_few_ids(uint64_t uids, uint64_t gids, const struct machine *machine,
		     struct explanation *ret);

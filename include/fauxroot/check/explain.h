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

/* A systemd unit (man 5 systemd.exec, INVOCATION_ID) without XDG_RUNTIME_DIR: daemons that run as
 * root of a user namespace put sockets and state in that directory, or else in /run and /var. */
#define WARNING_UNIT "unit-without-runtime-dir"

/* A host with a route into the command's network, or an address in it. */
#define WARNING_OVERLAP "network-overlap"

/*
 * explain_warning() - a warning about a launch that works
 * @id: WARNING_UNIT or WARNING_OVERLAP
 * @config: the options of the launch; NULL: not known
 *
 * Returns true, with @ret filled; false with @ret untouched: there is no reason to warn.
 */
bool explain_warning(const char *id, const struct config *config, const struct machine *machine,
		     struct explanation *ret);

/*
 * explain_few_ids() - the warning for a map that is too small for container images
 * @uids, @gids: the number of mapped ids, including the caller's own
 *
 * Images use ids up to 65535. Returns true if either count is less than 65536.
 */
bool explain_few_ids(uint64_t uids, uint64_t gids, const struct machine *machine,
		     struct explanation *ret);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rehearsal of a launch: every stage is tried in temporary processes and namespaces.
 *
 * A rehearsal must not change the machine, so it differs from a launch: it uses a temporary state
 * directory, moves no processes to other cgroups, listens on ports only for a moment and accepts no
 * connection, propagates no mounts, and does not announce the instance. The command is executed
 * under ptrace(2) and killed before its first instruction.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fauxroot/base/err.h"
#include "fauxroot/launch/stages.h"

struct config;
struct signals;

/* The outcome of a stage. */
struct outcome {
	bool tried;		   /* false: not enabled, or a stage that it needs failed */
	bool begun;		   /* begun and not tried: the process died in it */
	bool unwanted;		   /* the options do not enable it */
	int rc;			   /* 0 or -errno */
	enum launch_stage depends; /* not tried because this stage failed; or STAGE_NONE */
	struct error err;
	char note[256]; /* a path or the last line of the log; or "" */
};

/*
 * outcome_arrived() - validate @outcome, which another process has filled
 *
 * Calls err_check_received() for the error. In addition an invalid return value becomes -EIO, an
 * invalid stage becomes STAGE_NONE, and the note is terminated.
 */
void outcome_arrived(struct outcome *outcome);

/* The number of --publish options that are tried; further ones are not. */
#define OUTCOME_PORTS 64

/* The number of stages that a second child does not try again: rehearsal.c. */
#define REHEARSED_MAPS 3

/* In shared memory: the stages of launcher, middle process and child are tried in separate
 * processes. Starts zeroed. */
struct rehearsal {
	struct outcome of[STAGE_COUNT_];
	struct outcome ports[OUTCOME_PORTS]; /* of each --publish option */
	struct outcome verified;	     /* net_verify() */
	/* While a second child is tried: the outcomes of the id maps with the first one. */
	struct outcome maps[REHEARSED_MAPS];
	bool second;
	char helper[128];    /* the network's driver and its helper's version */
	char scratch[128];   /* the temporary state directory; "": none yet */
	uint64_t uids, gids; /* number of mapped ids; 0: no maps */

	/* Called in the child at its end, in its namespaces and as their root, with @arg. May be
	 * NULL. */
	void (*inside)(void *arg);
	void *arg;
};

/*
 * launcher_rehearse() - walk the table of stages to its end
 * @signals: blocked and open: signals_block()
 * @r: in shared memory
 *
 * A failed stage does not end the rehearsal: stages that need it are recorded as depending on it.
 * If the subordinate ids or their maps fail, a second child, with a map of only the caller's id,
 * tries the other stages. Returns 0; -ECANCELED after a terminating signal; or -ENOMEM.
 */
int launcher_rehearse(const struct config *config, const struct signals *signals,
		      struct rehearsal *r);

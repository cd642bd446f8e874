/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rehearsal of a launch: every stage is tried, in processes and namespaces that are thrown
 * away.
 *
 * It differs from a launch in what must not happen to the machine: the state directory is one of
 * its own, processes stay in their cgroups, ports are listened on for a moment without accepting,
 * mounts never propagate, the instance is not announced, and the command is executed under
 * ptrace(2) and killed before its first instruction.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fauxroot/base/err.h"
#include "fauxroot/launch/stages.h"

struct config;
struct signals;

struct outcome {
	bool tried;		   /* false: not asked for, or something that it needs failed */
	bool begun;		   /* and, unless it was tried, not ended */
	bool unwanted;		   /* the options do not ask for it */
	int rc;			   /* 0 or -errno */
	enum launch_stage depends; /* not tried because this stage has failed; STAGE_NONE */
	struct error err;
	char note[256]; /* what was learnt on the way: a path, a warning; or "" */
};

/*
 * outcome_arrived() - make @outcome, which another process has filled, one that can be used
 *
 * As err_arrived(), for what is beside the error: a return value that is none becomes -EIO, a stage
 * that does not exist STAGE_NONE, and the note ends.
 */
void outcome_arrived(struct outcome *outcome);

/* --publish specs looked at; of more than that the rest is passed over. */
#define OUTCOME_PORTS 64

/* In memory that forks share: the launcher's, the middle process's and the child's stages are tried
 * in processes of their own. All zero before. */
struct rehearsal {
	struct outcome of[STAGE_COUNT_];
	struct outcome ports[OUTCOME_PORTS]; /* one a --publish */
	struct outcome settled;		     /* is the network's helper one that would do? */
	char helper[128];		     /* the network's driver and its helper's version */
	char scratch[128];		     /* its own state directory; "": none yet */
	uint64_t uids, gids;		     /* how many ids the maps have; 0: no maps */

	/* Called in the child at its end, in its namespaces, as root of them; @arg is the second
	 * member. May be NULL. */
	void (*inside)(void *arg);
	void *arg;
};

/*
 * launcher_rehearse() - walk the table of stages to its end
 * @signals: blocked and open: signals_block()
 * @r: in shared memory
 *
 * A stage without which another cannot be tried is not an end: the other is noted as depending on
 * it. Where the subordinate ids or their maps fail, a second child with a map of the caller alone
 * has the rest tried. Returns 0, -ECANCELED where a terminating signal came, or -ENOMEM.
 */
int launcher_rehearse(const struct config *config, const struct signals *signals,
		      struct rehearsal *r);

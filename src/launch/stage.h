/* SPDX-License-Identifier: Apache-2.0 */
/* One stage of a launch, and how a table of them is walked. */
#pragma once

#include <stdbool.h>

#include "fauxroot/base/err.h"
#include "fauxroot/launch/stages.h"

struct launch;
struct outcome;

/* Which process does it. Each is a fork of the launcher, with a struct launch of its own. */
enum side {
	SIDE_LAUNCHER = 0,
	SIDE_MIDDLE,
	SIDE_CHILD,
};

struct stage {
	const char *name;
	enum side side;
	enum error_step step; /* of an error that has none */

	/* Do the options ask for it? NULL: always. */
	bool (*wanted)(const struct launch *l);

	/* 0 or -errno. NULL: nothing, in a launch. */
	int (*run)(struct launch *l, struct error *err);

	/* The same without what a rehearsal must not do. NULL: as run(). */
	int (*rehearse)(struct launch *l, struct error *err);

	/* Release what it has made. Accepts a stage that never ran. May be NULL. */
	void (*undo)(struct launch *l);

	/* Stages that this one cannot be tried without; STAGE_NONE: none. */
	enum launch_stage needs[3];

	/* It goes on beside the stage that follows, whose error is reported first. */
	bool meanwhile;

	unsigned traces; /* enum launch_trace: what it must not leave behind */
};

/*
 * stages_run() - the stages of @side, in their order: in a launch until one fails, in a rehearsal
 * all that can be tried
 * @l: @l->stages is the table; @l->rehearsal, unless it is NULL, gets the outcomes
 *
 * A rehearsal leaves out what has been tried already. Returns 0 or -errno of the first stage that
 * has failed; a rehearsal goes on past it, except for -ECANCELED.
 */
int stages_run(struct launch *l, enum side side, struct error *err);

/* stage_try() - note in @outcome what @attempt returns, and what it logs */
void stage_try(struct launch *l, int (*attempt)(struct launch *l, struct error *err),
	       enum error_step step, struct outcome *outcome);

/* stage_blocked_by() - the stage whose failure keeps @stage from being tried; or STAGE_NONE */
enum launch_stage stage_blocked_by(const struct launch *l, const struct stage *stage);

/* stages_undo() - the launcher's stages in the reverse order, whether they have run or not */
void stages_undo(struct launch *l);

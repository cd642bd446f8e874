/* SPDX-License-Identifier: Apache-2.0 */
/* The stages of a launch, and the functions that walk a table of stages. */
#pragma once

#include <stdbool.h>

#include "fauxroot/base/err.h"
#include "fauxroot/launch/stages.h"

struct config;
struct launch;
struct outcome;

/* The process that runs a stage. The others are forks of the launcher with their own copy of struct
 * launch. */
enum side {
	SIDE_LAUNCHER = 0,
	SIDE_MIDDLE,
	SIDE_CHILD,
};

struct stage {
	const char *name;
	enum side side;
	enum error_step step; /* for an error without a step */

	/* Do the options enable the stage? NULL: always. */
	bool (*option)(const struct config *config);

	/* Do the results of earlier stages enable it? NULL: always. */
	bool (*wanted)(const struct launch *l);

	/* Run the stage. Returns 0 or -errno. NULL: only for a rehearsal. */
	int (*run)(struct launch *l, struct error *err);

	/* The rehearsal's version, which leaves no trace. NULL: run() is used. */
	int (*rehearse)(struct launch *l, struct error *err);

	/* Undo the stage. Accepts a stage that never ran. May be NULL. */
	void (*undo)(struct launch *l);

	/* The stages that must succeed before this one can be tried; STAGE_NONE: none. */
	enum launch_stage needs[3];

	/* The stage runs while helper programs work. If the stage that waits for them fails, too,
	 * that error is reported instead of this one's. */
	bool meanwhile;

	unsigned traces; /* enum launch_trace: traces that must not remain */
};

/*
 * stages_run() - run the stages of @side in order
 * @l: @l->stages is the table; @l->rehearsal gets the outcomes, NULL: a launch
 *
 * A launch stops at the first failure. A rehearsal tries all stages that can be tried and were not
 * tried before; only -ECANCELED stops it. Returns 0 or -errno of the first failed stage.
 */
int stages_run(struct launch *l, enum side side, struct error *err);

/* stage_note() - until the end of stage_try(), the last warning is the note of @outcome */
void stage_note(struct outcome *outcome);

/* stage_try() - call @attempt, and record its result and its last warning in @outcome */
void stage_try(struct launch *l, int (*attempt)(struct launch *l, struct error *err),
	       enum error_step step, struct outcome *outcome);

/* stage_blocked_by() - the failed stage because of which @stage cannot be tried; or STAGE_NONE */
enum launch_stage stage_blocked_by(const struct launch *l, const struct stage *stage);

/* stages_undo() - undo the launcher's stages in reverse order, including stages that did not run */
void stages_undo(struct launch *l);

/* SPDX-License-Identifier: Apache-2.0 */
#include "stage.h"

#include <errno.h>

#include "fauxroot/base/log.h"
#include "fauxroot/base/str.h"
#include "launch.h"

static bool is_wanted(const struct launch *l, const struct stage *stage)
{
	return (!stage->option || stage->option(l->config)) && (!stage->wanted || stage->wanted(l));
}

static int run(struct launch *l, const struct stage *stage, struct error *err)
{
	if (!stage->run || !is_wanted(l, stage))
		return 0;
	return err_step(err, stage->run(l, err), stage->step);
}

static int launch(struct launch *l, enum side side, struct error *err)
{
	struct error first = {0};
	int failed = 0;

	for (int i = STAGE_NONE + 1; i < STAGE_COUNT_; i++) {
		const struct stage *stage = &l->stages[i];
		int rc;

		if (stage->side != side || (failed < 0 && stage->meanwhile))
			continue;
		rc = run(l, stage, err);
		if (rc < 0 && stage->meanwhile) {
			first = *err;
			failed = rc;
			continue;
		}
		if (rc == 0 && failed < 0) {
			*err = first;
			rc = failed;
		}
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Callback of log_redirect(): keep the last line as note, except for debugging. */
static void note(void *arg, enum log_level level, const char *message)
{
	struct outcome *outcome = arg;

	if (level <= LOG_LEVEL_INFO)
		(void)str_print(outcome->note, sizeof(outcome->note), "%s", message);
	else
		log_as("check", level, message);
}

void stage_note(struct outcome *outcome)
{
	log_redirect(note, outcome);
}

void stage_try(struct launch *l, int (*attempt)(struct launch *l, struct error *err),
	       enum error_step step, struct outcome *outcome)
{
	outcome->begun = true;
	stage_note(outcome);
	outcome->rc = err_step(&outcome->err, attempt(l, &outcome->err), step);
	log_redirect(NULL, NULL);
	outcome->tried = true;
}

enum launch_stage stage_blocked_by(const struct launch *l, const struct stage *stage)
{
	for (size_t i = 0; i < ARRAY_SIZE(stage->needs); i++) {
		const struct outcome *needed = &l->rehearsal->of[stage->needs[i]];

		if (needed->tried && needed->rc < 0)
			return stage->needs[i];
		if (needed->depends != STAGE_NONE)
			return needed->depends;
	}
	return STAGE_NONE;
}

static int rehearse(struct launch *l, enum side side, struct error *err)
{
	int failed = 0;

	for (int i = STAGE_NONE + 1; i < STAGE_COUNT_ && failed != -ECANCELED; i++) {
		const struct stage *stage = &l->stages[i];
		struct outcome *outcome = &l->rehearsal->of[i];

		if (stage->side != side || outcome->tried)
			continue;
		outcome->unwanted = (!stage->run && !stage->rehearse) || !is_wanted(l, stage);
		if (!outcome->unwanted)
			outcome->depends = stage_blocked_by(l, stage);
		if (outcome->unwanted || outcome->depends != STAGE_NONE)
			continue;
		stage_try(l, stage->rehearse ? stage->rehearse : stage->run, stage->step, outcome);
		if (outcome->rc == -ECANCELED || (outcome->rc < 0 && failed == 0)) {
			*err = outcome->err;
			failed = outcome->rc;
		}
	}
	return failed;
}

int stages_run(struct launch *l, enum side side, struct error *err)
{
	return l->rehearsal ? rehearse(l, side, err) : launch(l, side, err);
}

void stages_undo(struct launch *l)
{
	for (int i = STAGE_COUNT_ - 1; i > STAGE_NONE; i--)
		if (l->stages[i].undo)
			l->stages[i].undo(l);
}

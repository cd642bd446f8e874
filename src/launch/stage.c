/* SPDX-License-Identifier: Apache-2.0 */
#include "stage.h"

#include "launch.h"

static int run(struct launch *l, const struct stage *stage, struct error *err)
{
	if (!stage->run || (stage->wanted && !stage->wanted(l)))
		return 0;
	return err_step(err, stage->run(l, err), stage->step);
}

int stages_run(struct launch *l, enum side side, struct error *err)
{
	struct error first;
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

void stages_undo(struct launch *l)
{
	for (int i = STAGE_COUNT_ - 1; i > STAGE_NONE; i--)
		if (l->stages[i].undo)
			l->stages[i].undo(l);
}

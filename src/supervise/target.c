/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/supervise/target.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/spawn.h"
#include "fauxroot/base/str.h"
#include "fauxroot/supervise/signals.h"

/*
 * Does not use execvp(3): that passes files that the kernel cannot execute, for example programs of
 * another architecture, to a shell. And if a directory of PATH is not searchable, it reports
 * "permission denied" instead of "not found".
 */
int target_exec(char **command, const struct signals *signals, struct error *err)
{
	_cleanup_free_ char *path = NULL;
	int rc = path_find(command[0], &path);

	signals_restore(signals);
	if (rc == 0) {
		execv(path, command);
		rc = -errno;
	}
	(void)err_set(err, -rc, "executing \"%s\"", command[0]);
	return err_step(err, err_about(err, rc, REASON_EXEC, "%s", command[0]), STEP_EXEC);
}

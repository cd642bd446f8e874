/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/supervise/reap.h"

#include <errno.h>
#include <sys/prctl.h>

#include "fauxroot/base/err.h"

int become_subreaper(struct error *err)
{
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return err_set(err, errno, "becoming the reaper of the target's orphans");
	return 0;
}

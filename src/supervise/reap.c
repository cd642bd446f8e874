/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/supervise/reap.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "fauxroot/base/err.h"

int reap_adopt_orphans(struct error *err)
{
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return err_set(err, errno, "becoming the reaper of the target's orphans");
	return 0;
}

bool reap_next(pid_t which, pid_t *ret_pid, int *ret_status)
{
	int status;
	pid_t pid;

	do {
		pid = waitpid(which, &status, WNOHANG | WUNTRACED | __WALL);
	} while (pid < 0 && errno == EINTR);
	if (pid <= 0)
		return false;
	*ret_pid = pid;
	*ret_status = status;
	return true;
}

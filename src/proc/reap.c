/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/proc/reap.h"

#include <errno.h>
#include <sys/wait.h>

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

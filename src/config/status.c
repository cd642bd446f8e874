/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/config/status.h"

#include <errno.h>
#include <sys/wait.h>

#include "fauxroot/base/err.h"

int status_of_failure(enum persona persona, const struct error *err)
{
	if (persona == PERSONA_ROOTLESSKIT)
		return STATUS_COMPAT_FAILED;
	if (err->step != STEP_EXEC)
		return STATUS_LAUNCH_FAILED;
	return err->code == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE;
}

int status_of_target(enum persona persona, int wait_status)
{
	if (WIFEXITED(wait_status))
		return WEXITSTATUS(wait_status);
	if (persona == PERSONA_ROOTLESSKIT)
		return STATUS_COMPAT_SIGNALED;
	return STATUS_SIGNAL_BASE + WTERMSIG(wait_status);
}

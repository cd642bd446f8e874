/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A mount over a directory does not move the processes that are in the directory: a working
 * directory under /proc or /sys would continue to show the host's processes or devices.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fauxroot/base/log.h"
#include "fauxroot/base/str.h"

#include "private.h"

void cwd_follow(const char *covered)
{
	_cleanup_free_ char *cwd = getcwd(NULL, 0);
	const char *below = cwd ? str_after(cwd, covered) : NULL;

	if (!below || (*below != '\0' && *below != '/') || chdir(cwd) == 0)
		return;
	/* Such as the directory of a process that is not in our PID namespace. */
	log_debug("the working directory %s is missing in the new %s", cwd, covered);
	if (chdir(covered) < 0)
		log_warning("the working directory stays the host's %s: %s", cwd, strerror(errno));
}

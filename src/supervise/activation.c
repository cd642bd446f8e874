/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/supervise/activation.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>

#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"

#define FIRST_FD 3

bool activation_is_for(pid_t pid)
{
	const char *listen_pid = getenv("LISTEN_PID"), *listen_fds = getenv("LISTEN_FDS");
	uint32_t wanted, n;

	if (!listen_pid || !listen_fds || parse_u32(listen_pid, INT_MAX, &wanted) < 0 ||
	    parse_u32(listen_fds, INT_MAX - FIRST_FD, &n) < 0)
		return false;
	if (wanted != (uint32_t)pid || n == 0)
		return false;
	for (int fd = FIRST_FD; fd < FIRST_FD + (int)n; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			return false;
	return true;
}

/* @ours: the variable may address @from. */
static int retarget(const char *variable, bool ours, pid_t from, pid_t to)
{
	const char *value = getenv(variable);
	char text[16];
	uint32_t pid;

	if (!value || parse_u32(value, INT_MAX, &pid) < 0)
		return 0;
	if (!ours || pid != (uint32_t)from)
		return pid == (uint32_t)to && unsetenv(variable) < 0 ? -ENOMEM : 0;
	str_print(text, sizeof(text), "%d", to);
	return setenv(variable, text, 1) < 0 ? -ENOMEM : 0;
}

int activation_retarget(bool activated, pid_t from, pid_t to)
{
	int rc = retarget("LISTEN_PID", activated, from, to);

	if (activated)
		unsetenv("LISTEN_PIDFDID");
	if (rc == 0)
		rc = retarget("WATCHDOG_PID", true, from, to);
	if (rc == 0)
		rc = retarget("SYSTEMD_EXEC_PID", true, from, to);
	return rc;
}

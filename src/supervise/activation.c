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

int activation_retarget(pid_t pid)
{
	char text[16];

	if (str_print(text, sizeof(text), "%d", pid) < 0 || setenv("LISTEN_PID", text, 1) < 0)
		return -ENOMEM;
	return 0;
}

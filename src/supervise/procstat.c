/* SPDX-License-Identifier: Apache-2.0 */
#include "procstat.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"

/* A line has some 50 numbers. */
#define STAT_MAX 4096

int procstat_parse(const char *text, size_t size, char *ret_state, pid_t *ret_ppid)
{
	/* The process chooses its name; nothing after the name contains a parenthesis. */
	const char *name_end = memrchr(text, ')', size);
	struct cursor c;
	uint32_t ppid;
	char state;

	if (!name_end)
		return -EINVAL;
	c = cursor_of_n(name_end + 1, size - (size_t)(name_end + 1 - text));
	if (!cursor_char(&c, ' ') || cursor_at_end(&c) || !isalpha((unsigned char)*c.at))
		return -EINVAL;
	state = *c.at++;
	if (!cursor_char(&c, ' ') || cursor_u32(&c, INT_MAX, &ppid) < 0 || !cursor_char(&c, ' '))
		return -EINVAL;
	*ret_state = state;
	*ret_ppid = (pid_t)ppid;
	return 0;
}

int procstat_read(int proc, pid_t pid, char *ret_state, pid_t *ret_ppid)
{
	_cleanup_free_ char *text = NULL;
	char path[32];
	size_t size;
	int rc = str_print(path, sizeof(path), "%s%d/stat", proc == AT_FDCWD ? "/proc/" : "", pid);

	if (rc == 0)
		rc = file_read_bounded(proc, path, STAT_MAX, &text, &size);
	if (rc == 0)
		rc = procstat_parse(text, size, ret_state, ret_ppid);
	return rc == -ENOENT ? -ESRCH : rc;
}

bool procstat_is_ours(void)
{
	char self[16];
	ssize_t n = readlink("/proc/self", self, sizeof(self) - 1);
	uint32_t pid;

	if (n <= 0)
		return false;
	self[n] = '\0';
	return parse_u32(self, INT_MAX, &pid) == 0 && (pid_t)pid == getpid();
}

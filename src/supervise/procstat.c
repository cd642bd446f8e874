/* SPDX-License-Identifier: Apache-2.0 */
#include "procstat.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "fauxroot/base/parse.h"

int procstat_parse(const char *text, size_t size, char *ret_state, pid_t *ret_ppid)
{
	/* The name is the process's own choice; nothing behind it has a parenthesis. */
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

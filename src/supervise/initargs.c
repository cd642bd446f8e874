/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/supervise/initargs.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>

#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"

const char *initargs_format(const struct init_args *args, char *buf, size_t size)
{
	(void)str_print(buf, size, "%d,%d,%d,%d,%d,%d,%u,%" PRIu64, args->sock, args->reports,
			args->reap_all, args->activated, args->launcher, args->kill_orphans,
			args->kill_timeout, args->caller_mask);
	return buf;
}

int initargs_parse(const char *text, struct init_args *ret)
{
	static const uint64_t max[] = {INT_MAX, INT_MAX, 1, 1, INT_MAX, 1, 86400, UINT64_MAX};
	struct cursor c = cursor_of(text);
	uint64_t values[ARRAY_SIZE(max)];

	for (size_t i = 0; i < ARRAY_SIZE(max); i++)
		if ((i > 0 && !cursor_char(&c, ',')) || cursor_u64(&c, max[i], &values[i]) < 0)
			return -EINVAL;
	/* 0, 1 and 2 belong to the command. */
	if (!cursor_at_end(&c) || values[0] < 3 || values[1] < 3 || values[0] == values[1])
		return -EINVAL;
	*ret = (struct init_args){
		.sock = (int)values[0],
		.reports = (int)values[1],
		.reap_all = values[2] == 1,
		.activated = values[3] == 1,
		.launcher = (pid_t)values[4],
		.kill_orphans = values[5] == 1,
		.kill_timeout = (unsigned)values[6],
		.caller_mask = values[7],
	};
	return 0;
}

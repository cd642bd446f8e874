/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of /proc/PID/stat: for any name of the process, its state and its parent are read. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "fauxroot/base/macro.h"
#include "supervise/procstat.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char line[256], state = '?';
	pid_t ppid = -1;
	int n;

	/* As a whole line. */
	if (procstat_parse((const char *)data, size, &state, &ppid) == 0)
		assert(ppid >= 0 && state != '?');
	else
		assert(ppid == -1 && state == '?');

	/* As a name: at most 15 bytes, none of them NUL (man 2 prctl, PR_SET_NAME). */
	size = MIN(size, 15);
	if (memchr(data, '\0', size))
		return 0;
	n = snprintf(line, sizeof(line), "77 (%.*s) S 42 77 77 0 -1", (int)size,
		     (const char *)data);
	assert(procstat_parse(line, (size_t)n, &state, &ppid) == 0);
	assert(state == 'S' && ppid == 42);
	return 0;
}

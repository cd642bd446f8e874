/* SPDX-License-Identifier: Apache-2.0 */
/* Lines about epoll sets, and reserved ports: printed values are parsed again. */
#include <assert.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fauxroot/base/macro.h"
#include "fauxroot/base/parse.h"
#include "switch/attempt.h"
#include "switch/ports.h"
#include "switch/sets.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_line(const char *text)
{
	struct membership member, again;
	uint64_t inode, inode_again;
	char line[128];
	int fd, fd_again;

	if (!sets_parse(cursor_of(text), &fd, &inode, &member))
		return;
	assert(fd >= 0);
	snprintf(line, sizeof(line), "tfd: %8d events: %8x data: %16" PRIx64 "  pos:0 ino:%" PRIx64,
		 fd, member.events, member.data, inode);
	assert(sets_parse(cursor_of(line), &fd_again, &inode_again, &again));
	assert(fd == fd_again && inode == inode_again && member.events == again.events &&
	       member.data == again.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ports_range range = {.first = 1, .last = 2};
	char text[512];

	size = MIN(size, sizeof(text) - 1);
	memcpy(text, data, size);
	text[size] = '\0';
	try_line(text);
	(void)ports_reserve(&range, text);
	return 0;
}

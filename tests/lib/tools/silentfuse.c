/* SPDX-License-Identifier: Apache-2.0 */
/*
 * silentfuse DIRECTORY - mount a FUSE file system there that answers nothing, and serve it
 *
 * In a user and mount namespace. Prints "mounted", and "asked" for each request that is left
 * without an answer. At a signal, or after five minutes, it exits, which ends all waits.
 */
#include "silentfuse.h"

#include <stdlib.h>
#include <string.h>

static void say(const char *word)
{
	puts(word);
	fflush(stdout);
}

static void tell(void *arg, uint32_t opcode)
{
	(void)arg;
	(void)opcode;
	say("asked");
}

int main(int argc, char **argv)
{
	int fd;

	if (argc != 2) {
		fprintf(stderr, "usage: silentfuse DIRECTORY\n");
		return 2;
	}
	fd = silentfuse_mount(argv[1]);
	if (fd < 0) {
		fprintf(stderr, "silentfuse: %s: %s\n", argv[1], strerror(-fd));
		return 1;
	}
	alarm(300);
	say("mounted");
	silentfuse_serve(fd, tell, NULL);
	return 0;
}

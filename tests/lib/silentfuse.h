/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A FUSE file system that answers nothing but its own start: whoever asks it for anything else
 * waits in the kernel, where SIGKILL does not end the wait once the request was read, for as long
 * as the server lives.
 */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

/* A page and a bit is what the kernel wants room for (FUSE_MIN_READ_BUFFER). */
#define SILENTFUSE_ROOM (1 << 17)

/*
 * silentfuse_mount() - mount it on @dir, as uid 0 of the mount namespace's owner
 *
 * Returns the descriptor of the connection, whose closing ends all waits; or -errno.
 */
static int silentfuse_mount(const char *dir)
{
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC), rc;
	char options[128];

	if (fd < 0)
		return -errno;
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
	if (mount("silent", dir, "fuse", MS_NOSUID | MS_NODEV, options) == 0)
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

/*
 * silentfuse_serve() - take requests from @fd until that fails
 * @taken: called with the opcode of each request that will not be answered; or NULL
 */
static void silentfuse_serve(int fd, void (*taken)(void *arg, uint32_t opcode), void *arg)
{
	static union {
		struct {
			struct fuse_in_header head;
			struct fuse_init_in init;
		};
		char room[SILENTFUSE_ROOM];
	} request;
	struct {
		struct fuse_out_header head;
		struct fuse_init_out init;
	} answer = {.head.len = sizeof(answer)};

	for (;;) {
		ssize_t n = read(fd, &request, sizeof(request));

		if (n < 0 && errno != EINTR && errno != ENOENT)
			return;
		if (n < (ssize_t)sizeof(request.head))
			continue;
		if (request.head.opcode != FUSE_INIT) {
			if (taken)
				taken(arg, request.head.opcode);
			continue;
		}
		answer.head.unique = request.head.unique;
		answer.init.major = FUSE_KERNEL_VERSION;
		/* Version 7.31 is in Linux 5.4. */
		answer.init.minor = request.init.minor < 31 ? request.init.minor : 31;
		answer.init.max_write = 65536;
		answer.init.max_readahead = 65536;
		if (write(fd, &answer, sizeof(answer)) < 0)
			return;
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A FUSE file system that answers nothing but its own start, and that its one file, "file", is
 * opened: whoever asks it for anything else waits in the kernel, where SIGKILL does not end the
 * wait once the request was read, for as long as the server lives.
 */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
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

union silentfuse_request {
	struct {
		struct fuse_in_header head;
		union {
			struct fuse_init_in init;
			char name[256];
		};
	};
	char room[SILENTFUSE_ROOM];
};

/* Answer @request with @size bytes of @data. */
static bool silentfuse_answer(int fd, const union silentfuse_request *request, const void *data,
			      size_t size)
{
	struct {
		struct fuse_out_header head;
		char data[256];
	} answer = {.head = {(uint32_t)(sizeof(answer.head) + size), 0, request->head.unique}};

	memcpy(answer.data, data, size);
	return write(fd, &answer, answer.head.len) >= 0;
}

/* What it takes to open the one file that there is, "file", and INIT. Returns 1 where @request was
 * answered, 0 where it is not to be, -1 where that failed. */
static int silentfuse_oblige(int fd, const union silentfuse_request *request)
{
	const struct fuse_attr attr = {.ino = 2, .mode = S_IFREG | 0644, .nlink = 1};
	struct fuse_init_out init = {
		.major = FUSE_KERNEL_VERSION,
		/* Version 7.31 is in Linux 5.4. */
		.minor = request->init.minor < 31 ? request->init.minor : 31,
		.max_write = 65536,
		.max_readahead = 65536,
	};
	const struct fuse_entry_out entry = {
		.nodeid = 2,
		.entry_valid = 1000,
		.attr_valid = 1000,
		.attr = attr,
	};
	const struct fuse_open_out open = {.fh = 1};
	bool sent;

	if (request->head.opcode == FUSE_INIT)
		sent = silentfuse_answer(fd, request, &init, sizeof(init));
	else if (request->head.opcode == FUSE_LOOKUP && strcmp(request->name, "file") == 0)
		sent = silentfuse_answer(fd, request, &entry, sizeof(entry));
	else if (request->head.opcode == FUSE_OPEN)
		sent = silentfuse_answer(fd, request, &open, sizeof(open));
	else
		return 0;
	return sent ? 1 : -1;
}

/*
 * silentfuse_serve() - take requests from @fd until that fails
 * @taken: called with the opcode of each request that will not be answered; or NULL
 */
static void silentfuse_serve(int fd, void (*taken)(void *arg, uint32_t opcode), void *arg)
{
	static union silentfuse_request request;

	for (;;) {
		ssize_t n = read(fd, &request, sizeof(request));
		int rc;

		if (n < 0 && errno != EINTR && errno != ENOENT)
			return;
		if (n < (ssize_t)sizeof(request.head))
			continue;
		rc = silentfuse_oblige(fd, &request);
		if (rc < 0)
			return;
		if (rc == 0 && taken)
			taken(arg, request.head.opcode);
	}
}

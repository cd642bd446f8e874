/* SPDX-License-Identifier: Apache-2.0 */
/* The sending side of sd_notify(3) for the test programs, without libsystemd. */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fauxroot/sys/message.h"

/* A path, or @NAME. Returns its length as an address, 0 for neither. */
static inline socklen_t sd_address(const char *text, struct sockaddr_un *ret)
{
	size_t n = strlen(text);

	memset(ret, 0, sizeof(*ret));
	ret->sun_family = AF_UNIX;
	if ((*text != '/' && *text != '@') || n >= sizeof(ret->sun_path))
		return 0;
	memcpy(ret->sun_path, text, n);
	if (*text == '@')
		ret->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + (*text == '/'));
}

/* One message of @size bytes to NOTIFY_SOCKET; 0 or -errno. Blocks as sd_notify() does. */
static inline int sd_send(const void *text, size_t size, const int *fds, size_t n_fds)
{
	const char *address = getenv("NOTIFY_SOCKET");
	struct sockaddr_un addr;
	socklen_t addr_size;
	int sock, rc;

	if (!address)
		return -ENOENT;
	addr_size = sd_address(address, &addr);
	if (addr_size == 0)
		return -EAFNOSUPPORT;
	sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return -errno;
	rc = connect(sock, (const struct sockaddr *)&addr, addr_size) < 0 ? -errno : 0;
	if (rc == 0)
		rc = message_send(sock, text, size, fds, n_fds);
	close(sock);
	return rc;
}

/* sd_notify_barrier(3): returns when the manager has read all earlier messages; 0 or -errno. */
static inline int sd_barrier(int timeout_ms)
{
	struct pollfd end;
	int ends[2], rc;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	rc = sd_send("BARRIER=1", strlen("BARRIER=1"), &ends[1], 1);
	close(ends[1]);
	end = (struct pollfd){.fd = ends[0]};
	if (rc == 0 && poll(&end, 1, timeout_ms) != 1)
		rc = -ETIMEDOUT;
	close(ends[0]);
	return rc;
}

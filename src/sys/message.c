/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/sys/message.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fauxroot/base/fd.h"

int message_pair(int ret_fds[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret_fds) < 0 ? -errno : 0;
}

int message_send(int sock, const void *data, size_t size, const int *fds, size_t n_fds)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(MESSAGE_MAX_FDS * sizeof(int))];
	} control;
	struct iovec iov = {.iov_base = (void *)(uintptr_t)data, .iov_len = size};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (n_fds > MESSAGE_MAX_FDS)
		return -E2BIG;
	if (n_fds > 0) {
		struct cmsghdr *cmsg;

		memset(&control, 0, sizeof(control));
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, n_fds * sizeof(int));
	}
	for (;;) {
		ssize_t n = sendmsg(sock, &msg, MSG_NOSIGNAL);

		if (n >= 0)
			return (size_t)n == size ? 0 : -EMSGSIZE;
		if (errno != EINTR)
			return -errno;
	}
}

/* Move the descriptors of @msg to @fds, which is large enough. Returns how many there are. */
static size_t take_fds(struct msghdr *msg, int *fds)
{
	size_t taken = 0;

	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		size_t n;

		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		n = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds + taken, CMSG_DATA(cmsg), n * sizeof(int));
		taken += n;
	}
	return taken;
}

/*
 * The reason why descriptors of a message are missing: @taken arrived, and the buffer has room for
 * @room. The kernel sets the same flag if the buffer is too small, and if it could not open them
 * (man 7 unix, MSG_CTRUNC).
 */
static int why_missing(int sock, size_t taken, size_t room)
{
	int fd;

	if (taken == room)
		return -EPROTO;
	fd = fcntl(sock, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	fd_close(fd);
	return -EPROTO;
}

static ssize_t receive(int sock, void *data, size_t size, int *fds, size_t *n_fds, int flags)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(MESSAGE_MAX_FDS * sizeof(int))];
	} control;
	struct iovec iov = {.iov_base = data, .iov_len = size};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	size_t room = fds && n_fds ? MIN(*n_fds, (size_t)MESSAGE_MAX_FDS) : 0, taken;
	ssize_t n;

	if (room > 0) {
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_LEN(room * sizeof(int));
	}
	do {
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC | flags);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	taken = room > 0 ? take_fds(&msg, fds) : 0;
	/* With MSG_PEEK the caller does not need the data. */
	if (flags & MSG_PEEK)
		msg.msg_flags &= ~MSG_TRUNC;
	if ((msg.msg_flags & MSG_TRUNC) || (room > 0 && (msg.msg_flags & MSG_CTRUNC))) {
		n = msg.msg_flags & MSG_TRUNC ? -EMSGSIZE : why_missing(sock, taken, room);
		while (taken > 0)
			fd_close(fds[--taken]);
		return n;
	}
	if (n_fds)
		*n_fds = taken;
	return n;
}

ssize_t message_recv(int sock, void *data, size_t size, int *fds, size_t *n_fds)
{
	return receive(sock, data, size, fds, n_fds, 0);
}

int message_has_fds(int sock)
{
	struct msghdr msg = {.msg_iovlen = 0};

	/* Without room for descriptors, the kernel sets MSG_CTRUNC if there are any. */
	if (recvmsg(sock, &msg, MSG_PEEK | MSG_DONTWAIT) < 0)
		return -errno;
	return (msg.msg_flags & MSG_CTRUNC) != 0;
}

int message_peek_fds(int sock, int *fds, size_t *n_fds)
{
	char byte;
	ssize_t n = receive(sock, &byte, 1, fds, n_fds, MSG_PEEK | MSG_DONTWAIT);

	return n < 0 ? (int)n : 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The reader of our stderr may stop reading: a log collector that stalls, a terminal under Ctrl-S.
 * Then a write(2) would block the whole process. O_NONBLOCK is no solution: it belongs to the open
 * file description, which we share with our caller, the command and others. So each kind of file is
 * written in its own way:
 *
 * - Sockets: MSG_DONTWAIT.
 * - Pipes: RWF_NOWAIT (man 2 pwritev2), which pipes support since Linux 6.4. On older kernels the
 *   line is written to an empty pipe of our own, and moved from there by splice(2) with
 *   SPLICE_F_NONBLOCK.
 * - Terminals: an open file description of our own, opened through /proc/self/fd. If another user
 *   owns the device, as after su(1), /dev/tty opens it, provided that it is our controlling
 *   terminal.
 *
 * If none of this works, for example without a free descriptor, poll(2) checks for room first. This
 * is the last choice: another process may fill the pipe between poll(2) and write(2).
 */
#include "logwrite.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <termios.h>
#include <unistd.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/str.h"

#ifndef RWF_NOWAIT
#define RWF_NOWAIT 0x00000008
#endif

static long result_of(ssize_t n)
{
	return n < 0 ? -errno : n;
}

static long write_polled(int fd, const char *data, size_t size)
{
	struct pollfd room = {.fd = fd, .events = POLLOUT};

	if (poll(&room, 1, 0) == 0)
		return -EAGAIN;
	return result_of(write(fd, data, size));
}

static long write_by_splice(int fd, const char *data, size_t size)
{
	_cleanup_close_ int from = -1, to = -1;
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return write_polled(fd, data, size);
	from = fds[0];
	to = fds[1];
	if (write(to, data, size) != (ssize_t)size)
		return write_polled(fd, data, size);
	return result_of(splice(from, NULL, fd, NULL, size, SPLICE_F_NONBLOCK));
}

static long write_pipe(int fd, const char *data, size_t size)
{
	const struct iovec iov = {(void *)(uintptr_t)data, size};
	long n = result_of(syscall(SYS_pwritev2, fd, &iov, 1, -1L, -1L, RWF_NOWAIT));

	/* The kernel lacks RWF_NOWAIT, or a sandbox refuses the call. */
	if (n == -EOPNOTSUPP || n == -ENOSYS || n == -EPERM || n == -EINVAL)
		return write_by_splice(fd, data, size);
	return n;
}

static long write_terminal(int fd, const char *data, size_t size)
{
	const int flags = O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	_cleanup_close_ int own = -1;
	char path[32];

	(void)str_print(path, sizeof(path), "/proc/self/fd/%d", fd);
	own = open(path, flags);
	if (own < 0 && tcgetsid(fd) == getsid(0))
		own = open("/dev/tty", flags);
	/* In another mount namespace the path can lead to another file. */
	if (own < 0 || !isatty(own))
		return write_polled(fd, data, size);
	return result_of(write(own, data, size));
}

long logwrite_some(int fd, const char *data, size_t size)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISSOCK(st.st_mode))
		return result_of(send(fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL));
	if (S_ISFIFO(st.st_mode))
		return write_pipe(fd, data, size);
	if (isatty(fd))
		return write_terminal(fd, data, size);
	return result_of(write(fd, data, size));
}

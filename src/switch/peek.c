/* SPDX-License-Identifier: Apache-2.0 */
#include "peek.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "attempt.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/libc.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"
#include "lines.h"

#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL
#endif
#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

/* The size of struct sockaddr_in6 before RFC 2553 added the scope: the kernel accepts it. */
#define SMALL_IN6 24

enum left peek_address(struct attempt *a)
{
	/* The kernel reads an int, and refuses the same sizes (EINVAL). */
	int length = (int)a->size;
	size_t size = MIN((size_t)MAX(length, 0), sizeof(a->to));
	struct iovec ours = {&a->to, size};
	struct iovec theirs = {(void *)(uintptr_t)a->pointer, size};

	if (length < 0 || (size_t)length > sizeof(struct sockaddr_storage))
		return LEFT_FAMILY;
	memset(&a->to, 0, sizeof(a->to));
	if (process_vm_readv(a->tid, &ours, 1, &theirs, 1, 0) != (ssize_t)size)
		return LEFT_UNREADABLE;
	if (!(a->to.sa.sa_family == AF_INET && size >= sizeof(a->to.in)) &&
	    !(a->to.sa.sa_family == AF_INET6 && size >= SMALL_IN6))
		return LEFT_FAMILY;
	a->to_size = (socklen_t)size;
	a->plain = a->to;
	if (a->to.sa.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&a->to.in6.sin6_addr)) {
		memset(&a->plain, 0, sizeof(a->plain));
		a->plain.in.sin_family = AF_INET;
		a->plain.in.sin_port = a->to.in6.sin6_port;
		memcpy(&a->plain.in.sin_addr, &a->to.in6.sin6_addr.s6_addr[12],
		       sizeof(a->plain.in.sin_addr));
	}
	return LEFT_NOT;
}

/* A number in /proc/TID/status; -1 if the thread is gone. */
static int status_of(pid_t tid, const char *label)
{
	_cleanup_lines_ struct lines lines;
	struct cursor line;
	uint32_t value;

	if (lines_open(&lines, tid, "status") < 0)
		return -1;
	while (lines_next(&lines, &line)) {
		if (!cursor_word(&line, label))
			continue;
		(void)cursor_blanks(&line);
		return cursor_u32(&line, INT32_MAX, &value) == 0 ? (int)value : -1;
	}
	return -1;
}

bool peek_no_new_privs(pid_t tid)
{
	return status_of(tid, "NoNewPrivs:") != 0;
}

/*
 * A pidfd whose descriptors are those of the thread. Before Linux 6.9 only the first thread of a
 * process can be opened. Its descriptors are the same, unless the thread has a descriptor table of
 * its own.
 */
static int open_thread(pid_t tid)
{
	int fd = (int)syscall(SYS_pidfd_open, tid, PIDFD_THREAD);
	pid_t pid;

	if (fd >= 0 || errno != EINVAL)
		return fd;
	pid = status_of(tid, "Tgid:");
	if (pid <= 0 || (pid != tid && syscall(SYS_kcmp, tid, pid, KCMP_FILES, 0, 0) != 0))
		return -1;
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

enum left peek_fd(struct attempt *a, int notify)
{
	a->thread = open_thread(a->tid);
	if (a->thread < 0 || ioctl(notify, SECCOMP_IOCTL_NOTIF_ID_VALID, &a->id) < 0)
		return LEFT_UNREADABLE;
	a->old = (int)syscall(SYS_pidfd_getfd, a->thread, a->number, 0);
	return a->old < 0 ? LEFT_UNREADABLE : LEFT_NOT;
}

/* Consume an octal number. */
static bool take_octal(struct cursor *c, unsigned *ret)
{
	const char *start = c->at;
	unsigned value = 0;

	for (; !cursor_at_end(c) && *c->at >= '0' && *c->at <= '7'; c->at++)
		value = value << 3 | (unsigned)(*c->at - '0');
	*ret = value;
	return c->at > start && c->at - start < 12;
}

enum left peek_flags(struct attempt *a)
{
	_cleanup_lines_ struct lines lines;
	struct cursor line;
	char name[32];

	if (str_print(name, sizeof(name), "fdinfo/%d", a->number) < 0 ||
	    lines_open(&lines, a->tid, name) < 0)
		return LEFT_UNREADABLE;
	while (lines_next(&lines, &line)) {
		if (!cursor_word(&line, "flags:"))
			continue;
		(void)cursor_blanks(&line);
		return take_octal(&line, &a->flags) ? LEFT_NOT : LEFT_UNREADABLE;
	}
	return LEFT_UNREADABLE;
}

static int cookie_of(int fd, uint64_t *ret)
{
	socklen_t size = sizeof(*ret);

	return getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, ret, &size) < 0 ? -errno : 0;
}

/* The inode number of a socket's network namespace (man 7 netdevice has no entry; Linux 4.10). */
static int inode_of(int fd, uint64_t *ret)
{
	_cleanup_close_ int net = ioctl(fd, SIOCGSKNS);
	struct stat st;

	if (net < 0 || fstat(net, &st) < 0)
		return -errno;
	*ret = st.st_ino;
	return 0;
}

int netns_learn(int command, int host, struct netns_ids *ret)
{
	struct netns_ids ids = {.by_cookie = true, .command = 0, .host = 0};
	struct stat st = {.st_ino = 0};
	int rc;

	if (cookie_of(command, &ids.command) == 0 && cookie_of(host, &ids.host) == 0) {
		*ret = ids;
		return 0;
	}
	ids.by_cookie = false;
	rc = inode_of(command, &ids.command);
	if (rc == 0 && stat("/proc/self/ns/net", &st) < 0)
		rc = -errno;
	if (rc < 0)
		return rc;
	ids.host = st.st_ino;
	*ret = ids;
	return 0;
}

enum socket_net netns_of(const struct netns_ids *ids, int fd)
{
	uint64_t net = 0;
	int rc = ids->by_cookie ? cookie_of(fd, &net) : inode_of(fd, &net);

	if (rc == 0 && net == ids->command)
		return NET_OF_COMMAND;
	/* EPERM: we have no capabilities over the host's namespace, but over all namespaces of the
	 * command. */
	if ((rc == 0 && net == ids->host) || (rc == -EPERM && !ids->by_cookie))
		return NET_OF_HOST;
	return NET_OTHER;
}

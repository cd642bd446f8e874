/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A PID alone names nobody: it may have been reused by the time that we look. So the peer is held
 * by a pidfd first, /proc/PID is read next, and after that the pidfd is asked whether the process
 * still lives: then what was read was its own. The number is the one that /proc shows for the
 * pidfd, since /proc may belong to another PID namespace than we do.
 *
 * Access to /proc/PID/ns/user is ptrace(2)'s: a process of our own user namespace with the same
 * user id is open to us unless it has more capabilities than we have, or was executed from a file
 * that it may not read. A process below a user namespace that our user owns is open to us in the
 * same way. So a refusal proves nothing, and a process can bring it about on purpose. uid_map is
 * read then. Its second column is in terms of the reader's user namespace (man 7 user_namespaces):
 * it is 4294967295 for an id that the reader does not have. What a process below us has been mapped
 * to are ids of ours, so such an entry proves that the peer is not below us. Equal texts prove that
 * it is in our own user namespace, because a map of the same text further down would need the very
 * ids of our parent that lie outside of ours, or, in the initial user namespace, all ids.
 */
#include "fauxroot/sys/peer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/nsfs.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"

/* Headers of before Linux 6.5 lack it; those of parisc and sparc have other numbers. */
#if !defined(SO_PEERPIDFD) && !defined(__hppa__) && !defined(__sparc__)
#define SO_PEERPIDFD 77
#endif

/* PROC_USER_INIT_INO of the kernel: the inode of the initial user namespace. */
#define USERNS_INITIAL 0xEFFFFFFDU

#define MAP_SIZE 65536

int peer_credentials(int sock, struct ucred *ret)
{
	socklen_t size = sizeof(*ret);

	return getsockopt(sock, SOL_SOCKET, SO_PEERCRED, ret, &size) < 0 ? -errno : 0;
}

/* -ENOPROTOOPT on kernels that do not have it. */
static int peer_pidfd(int sock, int *ret)
{
#ifdef SO_PEERPIDFD
	socklen_t size = sizeof(*ret);

	return getsockopt(sock, SOL_SOCKET, SO_PEERPIDFD, ret, &size) < 0 ? -errno : 0;
#else
	(void)sock;
	(void)ret;
	return -ENOPROTOOPT;
#endif
}

/* Has the other end been closed? Its process closes it at its end, if not before. */
static bool is_hung_up(int sock)
{
	struct pollfd poll_fd = {.fd = sock};

	return poll(&poll_fd, 1, 0) != 0;
}

static int open_by_number(int sock, enum peer_side side, pid_t pid, int *ret)
{
	int fd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;

	if (fd < 0)
		return pid > 0 ? -errno : -ESRCH;
	if (side == PEER_CONNECTED && is_hung_up(sock)) {
		fd_close(fd);
		return -ESRCH;
	}
	*ret = fd;
	return 0;
}

int peer_open(int sock, enum peer_side side, struct peer *ret)
{
	struct ucred cred;
	int pidfd = -1, rc = peer_credentials(sock, &cred);

	if (rc < 0)
		return rc;
	rc = peer_pidfd(sock, &pidfd);
	if (rc == -ENOPROTOOPT)
		rc = open_by_number(sock, side, cred.pid, &pidfd);
	/* What the kernel says of one that has been reaped has changed between its versions. */
	if (rc < 0)
		return rc == -EINVAL || rc == -ENODATA ? -ESRCH : rc;
	*ret = (struct peer){cred.uid, cred.gid, PROCESS_NONE};
	if (process_of_pidfd(pidfd, &ret->process) < 0)
		ret->process = (struct process){0, pidfd};
	return 0;
}

void peer_close(struct peer *peer)
{
	fd_close(peer->process.pidfd);
	*peer = PEER_NONE;
}

/* A pidfd is readable when its process has ended (man 2 pidfd_open). */
static bool lives(const struct peer *peer)
{
	struct pollfd poll_fd = {.fd = peer->process.pidfd, .events = POLLIN};

	return poll(&poll_fd, 1, 0) == 0;
}

/*
 * The parent of a user namespace is shown to those who are in it or above it (man 2 ioctl_ns,
 * NS_GET_PARENT), so whose parent we see is below us.
 */
static enum peer_place place_of_ns(int userns)
{
	_cleanup_close_ int parent = -1;
	struct stat ours, theirs;

	if (stat("/proc/self/ns/user", &ours) < 0 || fstat(userns, &theirs) < 0)
		return PEER_UNKNOWN;
	if (ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino)
		return PEER_HERE;
	parent = ioctl(userns, NS_GET_PARENT);
	if (parent >= 0)
		return PEER_BELOW;
	return errno == EPERM ? PEER_ABOVE : PEER_UNKNOWN;
}

/* Is an id mapped to one that we do not have? */
static bool names_foreign_id(const char *map)
{
	struct cursor c = cursor_of(map), line;

	while (cursor_line(&c, &line)) {
		uint32_t inside, outside;

		(void)cursor_blanks(&line);
		if (cursor_u32(&line, UINT32_MAX, &inside) < 0 || !cursor_blanks(&line) ||
		    cursor_u32(&line, UINT32_MAX, &outside) < 0)
			return false;
		if (outside == UINT32_MAX)
			return true;
	}
	return false;
}

static enum peer_place place_of_map(pid_t pid)
{
	_cleanup_free_ char *ours = NULL, *theirs = NULL;
	char path[64];

	(void)str_print(path, sizeof(path), "/proc/%d/uid_map", pid);
	if (file_read_bounded(AT_FDCWD, "/proc/self/uid_map", MAP_SIZE, &ours, NULL) < 0 ||
	    file_read_bounded(AT_FDCWD, path, MAP_SIZE, &theirs, NULL) < 0 || *theirs == '\0')
		return PEER_UNKNOWN;
	if (streq(ours, theirs))
		return PEER_HERE;
	return names_foreign_id(theirs) ? PEER_ABOVE : PEER_UNKNOWN;
}

/*
 * Where access is refused Linux 5.10 opens such a link without an error, in some of its releases:
 * not the namespace, but the directory of the link.
 */
static bool is_namespace(int fd)
{
	return ioctl(fd, NS_GET_NSTYPE) >= 0;
}

enum peer_place peer_place(const struct peer *peer)
{
	_cleanup_close_ int userns = -1;
	enum peer_place place;
	char path[64];

	if (peer->process.pid <= 0)
		return PEER_UNKNOWN;
	(void)str_print(path, sizeof(path), "/proc/%d/ns/user", peer->process.pid);
	userns = open(path, O_RDONLY | O_CLOEXEC);
	if (userns >= 0 && is_namespace(userns))
		place = place_of_ns(userns);
	else
		place = userns >= 0 || errno == EACCES || errno == EPERM
				? place_of_map(peer->process.pid)
				: PEER_UNKNOWN;
	return lives(peer) ? place : PEER_UNKNOWN;
}

bool peer_initial_userns(void)
{
	struct stat st;

	return stat("/proc/self/ns/user", &st) < 0 || st.st_ino == USERNS_INITIAL;
}

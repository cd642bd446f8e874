/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A PID alone is not reliable: it may have been reused. So first a pidfd of the peer is opened,
 * then /proc/PID is read, and then the pidfd shows whether the process still lives. If it does, the
 * data is that of the peer. The PID is the one that /proc shows for the pidfd, because /proc may
 * belong to another PID namespace than ours.
 *
 * Access to /proc/PID/ns/user follows the rules of ptrace(2). A process in our user namespace with
 * the same user id is accessible, unless it has more capabilities than we have, or was executed
 * from a file that it may not read. The same is true for a process below a user namespace that our
 * user owns. So a refusal proves nothing, and a process can cause it on purpose. Then uid_map is
 * read. Its second column is in terms of the reader's user namespace (man 7 user_namespaces):
 * 4294967295 stands for an id that the reader does not have. A process below us is mapped to ids of
 * ours, so such an entry proves that the peer is not below us. Equal texts prove that the peer is
 * in our own user namespace: a map with the same text further down would need exactly the ids of
 * our parent that we do not have, or, in the initial user namespace, all ids.
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

/* Headers from before Linux 6.5 lack it; parisc and sparc use other numbers. */
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

/* -ENOPROTOOPT on kernels without SO_PEERPIDFD. */
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

/* Is the other end closed? It is closed at the latest when its process exits. */
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
	/* The error for a peer that is reaped differs between kernel versions. */
	if (rc < 0)
		return rc == -EINVAL || rc == -ENODATA ? -ESRCH : rc;
	*ret = (struct peer){cred.uid, cred.gid, PROCESS_NONE};
	if (process_from_pidfd(pidfd, &ret->process) < 0)
		ret->process = (struct process){0, pidfd};
	return 0;
}

void peer_close(struct peer *peer)
{
	fd_close(peer->process.pidfd);
	*peer = PEER_NONE;
}

/* A pidfd is readable after its process has exited (man 2 pidfd_open). */
static bool is_alive(const struct peer *peer)
{
	struct pollfd poll_fd = {.fd = peer->process.pidfd, .events = POLLIN};

	return poll(&poll_fd, 1, 0) == 0;
}

/*
 * The kernel shows the parent of a user namespace only to processes in that parent or above it (man
 * 2 ioctl_ns, NS_GET_PARENT). So if we see the parent, the namespace is below us.
 */
static enum peer_relation relation_of_ns(int userns)
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

/* Does the map contain an id that our user namespace does not have? */
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

static enum peer_relation relation_of_map(pid_t pid)
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
 * If access is refused, some releases of Linux 5.10 report no error: they open the directory of the
 * link instead of the namespace.
 */
static bool is_namespace(int fd)
{
	return ioctl(fd, NS_GET_NSTYPE) >= 0;
}

enum peer_relation peer_relation(const struct peer *peer)
{
	_cleanup_close_ int userns = -1;
	enum peer_relation relation;
	char path[64];

	if (peer->process.pid <= 0)
		return PEER_UNKNOWN;
	(void)str_print(path, sizeof(path), "/proc/%d/ns/user", peer->process.pid);
	userns = open(path, O_RDONLY | O_CLOEXEC);
	if (userns >= 0 && is_namespace(userns))
		relation = relation_of_ns(userns);
	else
		relation = userns >= 0 || errno == EACCES || errno == EPERM
				   ? relation_of_map(peer->process.pid)
				   : PEER_UNKNOWN;
	return is_alive(peer) ? relation : PEER_UNKNOWN;
}

bool peer_initial_userns(void)
{
	struct stat st;

	return stat("/proc/self/ns/user", &st) < 0 || st.st_ino == USERNS_INITIAL;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "replace.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attempt.h"
#include "carry.h"
#include "fauxroot/base/fd.h"
#include "ports.h"
#include "sets.h"
#include "shortwait.h"
#include "state.h"

/* Ports to try, if the destination has a connection from a port already. */
#define TRIES 8

/* A socket of the host, confined. Returns the descriptor or -errno. */
static int new_socket(const struct worker *w, const struct attempt *a)
{
	_cleanup_close_ int fd =
		socket(a->family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	int rc;

	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &a->device, sizeof(a->device)) < 0)
		return -errno;
	/* IPV6_V6ONLY can only be set before bind(2). */
	if (!carry_over(&w->defaults, a->old, fd, a->family))
		return -EOPNOTSUPP;
	rc = ports_bind(&w->ports, fd, a->family);
	return rc < 0 ? rc : TAKE_FD(fd);
}

/* Returns the connecting socket or -errno. */
static int connect_out(const struct worker *w, const struct attempt *a)
{
	int rc = -EADDRNOTAVAIL;

	for (int i = 0; i < TRIES && rc == -EADDRNOTAVAIL; i++) {
		_cleanup_close_ int fd = new_socket(w, a);

		if (fd < 0)
			return fd;
		rc = connect(fd, &a->to.sa, a->to_size) < 0 ? -errno : 0;
		if (rc == -EINPROGRESS)
			return TAKE_FD(fd);
	}
	/* 0: only a destination on this machine connects at once. */
	return rc == 0 ? -EISCONN : rc;
}

enum left replace_connect(const struct worker *w, struct attempt *a)
{
	a->fresh = connect_out(w, a);
	if (a->fresh == -EOPNOTSUPP)
		return LEFT_OPTION;
	if (a->fresh < 0)
		return LEFT_FAILED;
	if (!(a->flags & O_NONBLOCK) && fcntl(a->fresh, F_SETFL, 0) < 0)
		return LEFT_FAILED;
	return LEFT_NOT;
}

/* If *@fd is the number @taken, move it to another one. Returns 0 or -errno. */
static int move_away(int *fd, int taken)
{
	int moved;

	if (*fd != taken)
		return 0;
	moved = fcntl(*fd, F_DUPFD_CLOEXEC, taken + 1);
	if (moved < 0)
		moved = fcntl(*fd, F_DUPFD_CLOEXEC, 3);
	if (moved < 0)
		return -errno;
	fd_close(*fd);
	*fd = moved;
	return 0;
}

/* An epoll set identifies a socket by its open file and its number, so use the command's number
 * here, too. */
static int join_sets(struct worker *w, struct attempt *a)
{
	int *const ours[] = {&w->notify, &w->command_net.fd, &w->host_net.fd, &a->thread,
			     &a->old,	 &a->fresh};
	_cleanup_close_ int same = -1;
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(ours) && rc == 0; i++)
		rc = move_away(ours[i], a->number);
	if (rc < 0)
		return rc;
	/* Standard input, output and error are /dev/null here, and are not used. */
	same = dup3(a->fresh, a->number, O_CLOEXEC);
	return same < 0 ? -errno : sets_join(a, same);
}

/*
 * Another thread of the command may have closed the descriptor meanwhile, and its number may belong
 * to another file now, which must stay. ENOSYS: this kernel has no kcmp(2).
 */
static bool is_in_place(const struct attempt *a)
{
	long same = syscall(SYS_kcmp, getpid(), a->tid, KCMP_FILE, a->old, a->number);

	return same == 0 || (same < 0 && errno == ENOSYS);
}

enum left replace_hand_over(struct worker *w, struct attempt *a)
{
	struct seccomp_notif_addfd addfd = {
		.id = a->id,
		.flags = SECCOMP_ADDFD_FLAG_SETFD,
		.newfd = (uint32_t)a->number,
		.newfd_flags = a->flags & O_CLOEXEC,
	};
	int rc = a->n_sets > 0 ? join_sets(w, a) : 0;
	enum left left = LEFT_NOT;

	addfd.srcfd = (uint32_t)a->fresh;
	if (rc == 0 && !is_in_place(a))
		left = LEFT_CLOSED;
	else if (rc < 0 || ioctl(w->notify, SECCOMP_IOCTL_NOTIF_ADDFD, &addfd) < 0)
		left = LEFT_FAILED;
	short_wait_close((int *const[]){&a->fresh, &a->old}, 2);
	return left;
}

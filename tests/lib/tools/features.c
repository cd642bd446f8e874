/* SPDX-License-Identifier: Apache-2.0 */
/*
 * features: print which features this kernel has that fauxroot uses, one a line: "NAME yes" or
 * "NAME no".
 *
 * Each is tried with a real system call, because distributions port features back, and containers
 * refuse calls.
 */
#include <errno.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* All architectures that have them use these numbers. */
enum {
	CALL_OPEN_TREE = 428,
	CALL_CLONE3 = 435,
	CALL_CLOSE_RANGE = 436,
	CALL_OPENAT2 = 437,
	CALL_PIDFD_GETFD = 438,
	CALL_MOUNT_SETATTR = 442,
	/* Values that old headers lack. */
	OPTION_NETNS_COOKIE = 71,
	OPTION_BUF_LOCK = 72,
	OPTION_PEERPIDFD = 77,
	FLAG_CLOSE_ON_EXEC = 1 << 2,
	FLAG_WAIT_KILLABLE = 1 << 5,
	FLAG_MEMFD_NOEXEC = 8,
	FLAG_RWF_NOWAIT = 8,
	FLAG_PIDFD_THREAD = 0200,
};

/* Wrong arguments give another error than a call that is missing. */
static bool has_call(long number)
{
	return syscall(number, -1L, NULL, 0L, 0L, 0L) < 0 && errno != ENOSYS;
}

static bool has_close_on_exec(void)
{
	return syscall(CALL_CLOSE_RANGE, 1000000U, 1000001U, FLAG_CLOSE_ON_EXEC) == 0;
}

static bool has_option(int domain, int type, int option)
{
	uint64_t value = 0;
	socklen_t size = sizeof(value);
	int pair[2] = {-1, -1};
	bool found;

	if (domain == AF_UNIX ? socketpair(domain, type, 0, pair) < 0
			      : (pair[0] = socket(domain, type, 0)) < 0)
		return false;
	found = getsockopt(pair[0], SOL_SOCKET, option, &value, &size) == 0;
	close(pair[0]);
	if (pair[1] >= 0)
		close(pair[1]);
	return found;
}

static bool has_cookie(void)
{
	return has_option(AF_INET, SOCK_STREAM, OPTION_NETNS_COOKIE);
}

static bool has_buf_lock(void)
{
	return has_option(AF_INET, SOCK_STREAM, OPTION_BUF_LOCK);
}

static bool has_peerpidfd(void)
{
	return has_option(AF_UNIX, SOCK_STREAM, OPTION_PEERPIDFD);
}

static bool has_memfd_noexec(void)
{
	int fd = memfd_create("features", FLAG_MEMFD_NOEXEC);

	return fd >= 0 && close(fd) == 0;
}

static bool has_pidfd_thread(void)
{
	int fd = (int)syscall(SYS_pidfd_open, getpid(), FLAG_PIDFD_THREAD);

	return fd >= 0 && close(fd) == 0;
}

/* Without a program, a flag that the kernel knows gives EFAULT. */
static bool has_wait_killable(void)
{
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
		       (long)(SECCOMP_FILTER_FLAG_NEW_LISTENER | FLAG_WAIT_KILLABLE), NULL) < 0 &&
	       errno == EFAULT;
}

static bool has_pipe_nowait(void)
{
	struct iovec iov = {.iov_base = "x", .iov_len = 1};
	int ends[2];
	bool found;

	if (pipe(ends) < 0)
		return false;
	found = syscall(SYS_pwritev2, ends[1], &iov, 1L, -1L, -1L, FLAG_RWF_NOWAIT) == 1;
	close(ends[0]);
	close(ends[1]);
	return found;
}

static bool has_open_tree(void)
{
	return has_call(CALL_OPEN_TREE);
}

static bool has_clone3(void)
{
	return has_call(CALL_CLONE3);
}

static bool has_close_range(void)
{
	return syscall(CALL_CLOSE_RANGE, 1000000U, 1000001U, 0U) == 0;
}

static bool has_openat2(void)
{
	return has_call(CALL_OPENAT2);
}

static bool has_pidfd_getfd(void)
{
	return has_call(CALL_PIDFD_GETFD);
}

static bool has_mount_setattr(void)
{
	return has_call(CALL_MOUNT_SETATTR);
}

int main(void)
{
	static const struct {
		const char *name;
		bool (*is_there)(void);
	} features[] = {
		{"open_tree", has_open_tree},
		{"clone3", has_clone3},
		{"openat2", has_openat2},
		{"pidfd_getfd", has_pidfd_getfd},
		{"close_range", has_close_range},
		{"CLOSE_RANGE_CLOEXEC", has_close_on_exec},
		{"mount_setattr", has_mount_setattr},
		{"SO_NETNS_COOKIE", has_cookie},
		{"SO_BUF_LOCK", has_buf_lock},
		{"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", has_wait_killable},
		{"MFD_NOEXEC_SEAL", has_memfd_noexec},
		{"SO_PEERPIDFD", has_peerpidfd},
		{"RWF_NOWAIT on pipes", has_pipe_nowait},
		{"PIDFD_THREAD", has_pidfd_thread},
	};

	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++)
		printf("%s %s\n", features[i].name, features[i].is_there() ? "yes" : "no");
	return 0;
}

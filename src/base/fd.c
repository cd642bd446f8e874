/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/libc.h"
#include "fauxroot/base/parse.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U /* Linux 6.3 */
#endif

int fd_close(int fd)
{
	if (fd >= 0) {
		int saved = errno;

		close(fd);
		errno = saved;
	}
	return -1;
}

int fd_set_cloexec(int fd, int on)
{
	int flags = fcntl(fd, F_GETFD);

	if (flags < 0)
		return -errno;
	flags = on ? flags | FD_CLOEXEC : flags & ~FD_CLOEXEC;
	return fcntl(fd, F_SETFD, flags) < 0 ? -errno : 0;
}

static int compare_int(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

static bool is_kept(int fd, const int *keep, size_t n_keep)
{
	for (size_t i = 0; i < n_keep; i++)
		if (keep[i] == fd)
			return true;
	return false;
}

/*
 * Call @act for each descriptor from @first up that is not in @keep. The descriptors are in
 * /proc/self/fd. Without /proc, try all possible numbers.
 */
static int each_fd_from(int first, const int *keep, size_t n_keep, int (*act)(int fd))
{
	struct rlimit limit = {.rlim_cur = 1024};
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	int end;

	if (dir) {
		int own = dirfd(dir);

		while ((entry = readdir(dir))) {
			uint32_t fd;

			if (parse_u32(entry->d_name, INT_MAX, &fd) < 0 || (int)fd < first ||
			    (int)fd == own || is_kept((int)fd, keep, n_keep))
				continue;
			act((int)fd);
		}
		closedir(dir);
		return 0;
	}
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	end = limit.rlim_cur > 1 << 20 ? 1 << 20 : (int)limit.rlim_cur;
	for (int fd = first; fd < end; fd++)
		if (!is_kept(fd, keep, n_keep))
			act(fd);
	return 0;
}

rlim_t fd_raise_limit(void)
{
	struct rlimit limit = {.rlim_cur = 1024};

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
	return limit.rlim_cur;
}

int fd_room(size_t n)
{
	int fds[FD_ROOM_MAX], rc = 0;
	size_t opened = 0;

	if (n > FD_ROOM_MAX)
		return -E2BIG;
	for (; opened < n && rc == 0; opened++) {
		fds[opened] =
			opened == 0 ? eventfd(0, EFD_CLOEXEC) : fcntl(fds[0], F_DUPFD_CLOEXEC, 0);
		if (fds[opened] < 0)
			rc = -errno;
	}
	while (opened > 0)
		fd_close(fds[--opened]);
	return rc;
}

static int act_close(int fd)
{
	return close(fd);
}

static int close_range_call(unsigned first, unsigned last)
{
	return syscall(SYS_close_range, first, last, 0) < 0 ? -errno : 0;
}

int fd_close_all_except(const int *keep, size_t n_keep)
{
	int sorted[64];
	size_t n = 0;
	int next = 3, rc = 0;

	if (n_keep > ARRAY_SIZE(sorted))
		return -E2BIG;
	for (size_t i = 0; i < n_keep; i++)
		if (keep[i] >= 3)
			sorted[n++] = keep[i];
	qsort(sorted, n, sizeof(sorted[0]), compare_int);
	for (size_t i = 0; i < n && rc == 0; i++) {
		if (sorted[i] > next)
			rc = close_range_call((unsigned)next, (unsigned)sorted[i] - 1);
		next = sorted[i] + 1;
	}
	if (rc == 0)
		rc = close_range_call((unsigned)next, ~0U);
	/* Older kernels lack close_range(2), and older seccomp profiles of containers refuse it. */
	return rc < 0 ? each_fd_from(3, sorted, n, act_close) : 0;
}

/* Every descriptor that we have opened is close-on-exec. A descriptor that we inherited through
 * execve(2) is not. */
static int act_close_inherited(int fd)
{
	int flags = fcntl(fd, F_GETFD);

	return flags < 0 || (flags & FD_CLOEXEC) ? 0 : close(fd);
}

void fd_close_inherited(void)
{
	_cleanup_close_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = STDIN_FILENO; fd <= STDOUT_FILENO && null >= 0; fd++)
		(void)dup2(null, fd);
	(void)each_fd_from(3, NULL, 0, act_close_inherited);
}

int fd_write_all(int fd, const void *data, size_t size)
{
	const char *p = data;

	while (size > 0) {
		ssize_t n = write(fd, p, size);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		p += n;
		size -= (size_t)n;
	}
	return 0;
}

/* Read up to @max bytes; returns 1 if there are more. */
static int read_up_to(int fd, size_t max, char **ret_data, size_t *ret_size)
{
	struct stat st;
	/* One byte more than the file has: read(2) then reports the end of file without a larger
	 * buffer. Files of /proc have no size. */
	bool sized = fstat(fd, &st) == 0 && st.st_size > 4096;
	size_t size = 0, room = MIN(max, sized ? (size_t)st.st_size : 4096) + 1;
	_cleanup_free_ char *data = malloc(room + 1);

	if (!data)
		return -ENOMEM;
	while (size <= max) {
		ssize_t n = read(fd, data + size, room - size);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (n == 0)
			break;
		size += (size_t)n;
		if (size == room && size <= max) {
			char *larger;

			room = MIN(room * 2, max + 1);
			larger = realloc(data, room + 1);
			if (!larger)
				return -ENOMEM;
			data = larger;
		}
	}
	*ret_size = MIN(size, max);
	data[*ret_size] = '\0';
	*ret_data = TAKE_PTR(data);
	return size > max;
}

int fd_read_bounded(int fd, size_t max, char **ret_data, size_t *ret_size)
{
	_cleanup_free_ char *data = NULL;
	size_t size;
	int rc = read_up_to(fd, max, &data, &size);

	if (rc != 0)
		return rc < 0 ? rc : -EFBIG;
	if (ret_size)
		*ret_size = size;
	*ret_data = TAKE_PTR(data);
	return 0;
}

static int open_to_read(int dirfd, const char *path)
{
	/* Without O_NONBLOCK, a FIFO in place of the file would block us until another process
	 * writes. */
	int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	return fd < 0 ? -errno : fd;
}

int file_read_bounded(int dirfd, const char *path, size_t max, char **ret_data, size_t *ret_size)
{
	_cleanup_close_ int fd = open_to_read(dirfd, path);

	return fd < 0 ? fd : fd_read_bounded(fd, max, ret_data, ret_size);
}

int file_read_lines(int dirfd, const char *path, size_t max, char **ret_data, size_t *ret_size)
{
	_cleanup_close_ int fd = open_to_read(dirfd, path);
	_cleanup_free_ char *data = NULL;
	size_t size = 0;
	int rc = fd < 0 ? fd : read_up_to(fd, max, &data, &size);

	/* Without data, rc is the error. */
	if (!data)
		return rc;
	while (rc > 0 && size > 0 && data[size - 1] != '\n')
		size--;
	data[size] = '\0';
	*ret_size = size;
	*ret_data = TAKE_PTR(data);
	return rc;
}

int fd_wait(int fd, short events, const struct deadline *deadline, int cancel_fd)
{
	struct pollfd fds[2] = {
		{.fd = fd, .events = events},
		{.fd = cancel_fd, .events = POLLIN},
	};

	for (;;) {
		int n = poll(fds, 2, deadline_left(deadline));

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0 && fds[0].revents)
			return 0;
		if (n > 0 && fds[1].revents)
			return -ECANCELED;
		if (n == 0)
			return -ETIMEDOUT;
	}
}

int fd_memory(const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create(name, MFD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

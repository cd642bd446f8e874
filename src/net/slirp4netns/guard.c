/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * For its sandbox slirp4netns joins the child's user namespace. There the target's root may trace
 * it (man 2 ptrace, "Ptrace access mode checking": same uid, capabilities in that namespace), and
 * with pidfd_getfd(2) take sockets of the host's network out of it. A process of our own says
 * PR_SET_DUMPABLE 0 before it joins; a program that we execute becomes dumpable again, unless it
 * may not be read: then the kernel keeps it, and the forks it makes, undumpable and out of the
 * reach of all but the real root (man 5 proc, /proc/sys/fs/suid_dumpable; would_dump() in
 * fs/exec.c).
 *
 * So what we execute is a copy in memory that may be executed and not read. It also outlives an
 * upgrade of the package. A link of the right name leads to it for the moment of the exec, because
 * the kernel calls a process by the last part of the path.
 *
 * Root reads everything, but its slirp4netns never joins the child's user namespace. A script
 * cannot be executed without being read.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"
#include "slirp4netns.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U /* Linux 6.3 */
#endif

#define MAX_BINARY (64L << 20)

static int open_memory(void)
{
	int fd = memfd_create("slirp4netns", MFD_CLOEXEC | MFD_EXEC);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("slirp4netns", MFD_CLOEXEC);
	return fd;
}

static int open_elf(const char *path, off_t *ret_size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	char magic[4];
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (pread(fd, magic, sizeof(magic), 0) != sizeof(magic) ||
	    memcmp(magic, "\177ELF", sizeof(magic)) != 0)
		return -ENOEXEC;
	if (st.st_size > MAX_BINARY)
		return -EFBIG;
	*ret_size = st.st_size;
	return TAKE_FD(fd);
}

static int copy(int from, int to, off_t size)
{
	while (size > 0) {
		ssize_t n = sendfile(to, from, NULL, (size_t)size);

		if (n == 0)
			return -EIO;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			size -= n;
	}
	return 0;
}

/* The copy as a descriptor that is open for reading only: a file that is open for writing cannot be
 * executed (ETXTBSY). */
static int copy_of(const char *path)
{
	_cleanup_close_ int from = -1, to = -1, fd = -1;
	char name[64];
	off_t size = 0;
	int rc;

	from = open_elf(path, &size);
	if (from < 0)
		return from;
	to = open_memory();
	if (to < 0)
		return -errno;
	rc = copy(from, to, size);
	if (rc < 0)
		return rc;
	rc = str_print(name, sizeof(name), "/proc/self/fd/%d", to);
	if (rc < 0)
		return rc;
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fchmod(to, 0111) < 0)
		return -errno;
	return TAKE_FD(fd);
}

int slirp_guard(struct slirp *s)
{
	_cleanup_free_ char *path = NULL;
	int rc;

	if (geteuid() == 0)
		return 0;
	rc = path_find(s->net->config->slirp4netns_binary, &path);
	if (rc == 0)
		rc = s->guarded = copy_of(path);
	if (rc < 0) {
		s->guarded = -1;
		log_debug("slirp4netns stays within the target's reach: %s", strerror(-rc));
	}
	return rc < 0 ? rc : 0;
}

int slirp_guard_name(struct slirp *s, char **ret)
{
	_cleanup_free_ char *path = NULL;
	char target[64];
	int rc;

	if (s->guarded < 0 || !s->net->dir)
		return -ENOENT;
	path = str_format("%s/slirp4netns", s->net->dir);
	if (!path)
		return -ENOMEM;
	rc = str_print(target, sizeof(target), "/proc/self/fd/%d", s->guarded);
	if (rc < 0)
		return rc;
	(void)unlink(path);
	if (symlink(target, path) < 0)
		return -errno;
	*ret = TAKE_PTR(path);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Real mounts in a test: a job runs in a forked process with user and mount namespaces of its own,
 * as their only root, in an empty directory that is a ramfs; all of it goes with the process.
 *
 * In a job nothing of cmocka's may be used: check() prints what does not hold and ends the process.
 * For inclusion after cmocka.h.
 */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/str.h"

#define check(condition)                                                                   \
	do {                                                                               \
		if (!(condition)) {                                                        \
			fprintf(stderr, "%s:%d: %s does not hold (errno: %s)\n", __FILE__, \
				__LINE__, #condition, strerror(errno));                    \
			_exit(1);                                                          \
		}                                                                          \
	} while (0)

/* For what returns 0 or -errno and fills the error @err. */
#define check_ok(call)                                                                      \
	do {                                                                                \
		int check_rc = (call);                                                      \
		if (check_rc != 0) {                                                        \
			fprintf(stderr, "%s:%d: %s is %d: %s\n", __FILE__, __LINE__, #call, \
				check_rc, err.text);                                        \
			_exit(1);                                                           \
		}                                                                           \
	} while (0)

static inline void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	check(fd >= 0 && fd_write_all(fd, text, strlen(text)) == 0);
	fd_close(fd);
}

/* Does the file @path hold exactly @text? */
static inline bool holds(const char *path, const char *text)
{
	_cleanup_free_ char *data = NULL;

	return file_read_bounded(AT_FDCWD, path, 1 << 20, &data, NULL) == 0 && streq(data, text);
}

static inline bool is_tmpfs(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && fs.f_type == 0x01021994; /* TMPFS_MAGIC */
}

/* Is @path itself a symbolic link with the text @text? */
static inline bool links_to(const char *path, const char *text)
{
	char buf[4096];
	ssize_t n = readlink(path, buf, sizeof(buf));

	return n == (ssize_t)strlen(text) && memcmp(buf, text, (size_t)n) == 0;
}

/* New user and mount namespaces, where this process's ids are 0, and all mounts are private. */
static inline void scratch_unshare(int flags)
{
	char uid_map[32], gid_map[32];

	snprintf(uid_map, sizeof(uid_map), "0 %u 1", geteuid());
	snprintf(gid_map, sizeof(gid_map), "0 %u 1", getegid());
	check(unshare(CLONE_NEWUSER | CLONE_NEWNS | flags) == 0);
	put("/proc/self/setgroups", "deny");
	put("/proc/self/uid_map", uid_map);
	put("/proc/self/gid_map", gid_map);
	check(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
}

/* From here on the NULL-terminated @calls answer @errnum: a container's seccomp profile. */
static inline void scratch_refuse(int errnum, const char *const *calls)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

	check(filter);
	for (; *calls; calls++)
		check(seccomp_rule_add(filter, SCMP_ACT_ERRNO((uint32_t)errnum),
				       seccomp_syscall_resolve_name(*calls), 0) == 0);
	check(seccomp_load(filter) == 0);
	seccomp_release(filter);
}

/* Wait for @pid; its exit status, 128 + n for signal n. */
static inline int scratch_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* @job in a process and a directory of its own, as said above; @flags: further namespaces. */
static inline int scratch_run(void (*job)(const void *arg), const void *arg, int flags)
{
	char dir[] = "/tmp/fauxroot-unit.XXXXXX";
	pid_t pid;
	int status;

	if (!mkdtemp(dir))
		return -1;
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		scratch_unshare(flags);
		/* No tmpfs, so that one of the code under test shows. */
		check(mount("ramfs", dir, "ramfs", 0, "mode=755") == 0 && chdir(dir) == 0);
		job(arg);
		_exit(0);
	}
	status = pid < 0 ? -1 : scratch_wait(pid);
	rmdir(dir);
	return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reach: find out how a target can access processes that are not its own.
 *
 *	reach PID…    for each of them, print one line for each successful attempt: "PID what"
 *
 * The attempts are ways out of the namespaces: follow the process's links in /proc, read its
 * environment and its memory, take a descriptor, trace it, join its namespaces.
 * Status 0 if none succeeded, 1 if one did, 3 if a process is not visible, so that nothing was
 * proved.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fauxroot/base/libc.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"

#define FDS_TRIED 64

static bool reached;

static void reach(pid_t pid, const char *what)
{
	printf("%d %s\n", (int)pid, what);
	reached = true;
}

static void proc_path(char *buf, size_t size, pid_t pid, const char *name)
{
	(void)str_print(buf, size, "/proc/%d/%s", (int)pid, name);
}

static void try_links(pid_t pid)
{
	static const char *const names[] = {"root",   "cwd",	 "exe",	   "ns/net",
					    "ns/mnt", "ns/user", "ns/pid", "map_files"};
	char path[64], to[256];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		proc_path(path, sizeof(path), pid, names[i]);
		if (readlink(path, to, sizeof(to)) >= 0)
			reach(pid, names[i]);
	}
	for (int fd = 0; fd < FDS_TRIED; fd++) {
		(void)str_print(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, fd);
		if (readlink(path, to, sizeof(to)) >= 0)
			reach(pid, "fd/");
	}
	proc_path(path, sizeof(path), pid, "root/");
	if (access(path, F_OK) == 0)
		reach(pid, "root/");
}

/* Files that can be opened but are empty, or refused at read(2), are inaccessible, too. */
static void try_files(pid_t pid)
{
	static const char *const names[] = {"environ", "auxv", "maps", "mem", "stack", "syscall"};
	char path[64], byte;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		int fd;

		proc_path(path, sizeof(path), pid, names[i]);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (streq(names[i], "mem") || read(fd, &byte, 1) > 0)
			reach(pid, names[i]);
		close(fd);
	}
}

static void try_descriptors(pid_t pid, int pidfd)
{
	for (int fd = 0; fd < FDS_TRIED; fd++) {
		int taken = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);

		/* For an accessible process a closed descriptor gives EBADF. */
		if (taken < 0 && errno != EBADF)
			continue;
		reach(pid, "pidfd_getfd");
		close(taken);
		return;
	}
}

static void try_memory(pid_t pid)
{
	char byte;
	struct iovec local = {&byte, 1}, remote = {(void *)(uintptr_t)0x400000, 1};

	/* EFAULT: only the address was wrong. */
	if (process_vm_readv(pid, &local, 1, &remote, 1, 0) >= 0 || errno == EFAULT)
		reach(pid, "process_vm_readv");
}

/* Its first argument's type differs between C libraries. */
#ifdef __GLIBC__
typedef enum __ptrace_request ptrace_request;
#else
typedef int ptrace_request;
#endif

static void try_trace(pid_t pid)
{
	static const ptrace_request requests[] = {PTRACE_SEIZE, PTRACE_ATTACH};

	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		if (ptrace(requests[i], pid, NULL, NULL) < 0)
			continue;
		reach(pid, "ptrace");
		if (requests[i] == PTRACE_SEIZE)
			ptrace(PTRACE_INTERRUPT, pid, NULL, NULL);
		waitpid(pid, NULL, __WALL);
		ptrace(PTRACE_DETACH, pid, NULL, NULL);
	}
}

static void try_join(pid_t pid, int pidfd)
{
	static const int flags[] = {CLONE_NEWUSER, CLONE_NEWNET, CLONE_NEWNS};

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		if (setns(pidfd, flags[i]) == 0)
			reach(pid, "setns");
}

/* A /proc of an outer PID namespace shows processes without a PID in this one. */
static bool is_seen(pid_t pid)
{
	char path[64];

	proc_path(path, sizeof(path), pid, "");
	return access(path, F_OK) == 0;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		uint32_t number;
		int pidfd;

		if (parse_u32(argv[i], INT32_MAX, &number) < 0)
			return 2;
		pidfd = (int)syscall(SYS_pidfd_open, (pid_t)number, 0);
		if (pidfd < 0 && !is_seen((pid_t)number))
			return 3;
		try_links((pid_t)number);
		try_files((pid_t)number);
		if (pidfd < 0)
			continue;
		try_descriptors((pid_t)number, pidfd);
		try_memory((pid_t)number);
		try_trace((pid_t)number);
		try_join((pid_t)number, pidfd);
		close(pidfd);
	}
	return reached ? 1 : 0;
}

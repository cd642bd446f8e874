/* SPDX-License-Identifier: Apache-2.0 */
/*
 * idmapped SOURCE TARGET ID - mount SOURCE on TARGET with an id map of only the uid and gid ID
 *
 * As systemd-homed mounts home directories: no other id can own a file there, chown(2) fails with
 * EOVERFLOW (man 2 mount_setattr, "ID-mapped mounts"). For root.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fauxroot/base/str.h"

static int write_map(pid_t pid, const char *name, const char *id)
{
	char path[64], text[64];
	int fd, n = snprintf(text, sizeof(text), "%s %s 1", id, id);

	(void)str_print(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, (size_t)n) != n)
		return -errno;
	return close(fd);
}

/* A user namespace in which only @id is mapped, or -errno. */
static int make_userns(const char *id)
{
	char path[64];
	pid_t pid = (pid_t)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);
	int rc, fd;

	if (pid == 0) {
		pause();
		_exit(0);
	}
	rc = pid < 0 ? -errno : write_map(pid, "uid_map", id);
	if (rc == 0)
		rc = write_map(pid, "gid_map", id);
	(void)str_print(path, sizeof(path), "/proc/%d/ns/user", pid);
	fd = rc < 0 ? rc : open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		fd = -errno;
	if (pid > 0) {
		kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
	}
	return fd;
}

int main(int argc, char **argv)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_IDMAP};
	int tree, userns;

	if (argc != 4) {
		fprintf(stderr, "usage: idmapped SOURCE TARGET ID\n");
		return 2;
	}
	userns = make_userns(argv[3]);
	if (userns < 0) {
		fprintf(stderr, "idmapped: a user namespace: %s\n", strerror(-userns));
		return 1;
	}
	attr.userns_fd = (unsigned)userns;
	tree = (int)syscall(SYS_open_tree, AT_FDCWD, argv[1], OPEN_TREE_CLONE | O_CLOEXEC);
	if (tree < 0 || syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) ||
	    syscall(SYS_move_mount, tree, "", AT_FDCWD, argv[2], MOVE_MOUNT_F_EMPTY_PATH)) {
		fprintf(stderr, "idmapped: %s on %s: %s\n", argv[1], argv[2], strerror(errno));
		return 1;
	}
	return 0;
}

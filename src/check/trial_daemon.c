/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trials of the file systems that daemons mount. They run at the end of a rehearsal, in the child,
 * in mount namespaces of their own: the network helper still uses the child's.
 */
#include "trial.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/spawn.h"
#include "fauxroot/base/str.h"
#include "fauxroot/config/config.h"
#include "fauxroot/mounts/mounts.h"
#include "probes/probe.h"

/* How long the data directory may take to answer. */
#define DATA_MS 3000

bool trial_wants_storage(const struct config *config)
{
	static const char daemons[] =
		"dockerd dockerd-rootless.sh buildkitd buildctl-daemonless.sh containerd "
		"containerd-rootless.sh containerd-rootless-setuptool.sh podman buildah k3s "
		"nerdctl crio sh bash";
	const char *name = command_name(config);

	return !config_has_command(config) || (*name && list_has(daemons, " ", name, strlen(name)));
}

/* The value of the option @name among the words of @command: "--name=VALUE" or "--name VALUE". */
static const char *option_value(char *const *command, const char *name)
{
	const char *value = NULL;

	for (size_t i = 1; command[i]; i++) {
		const char *rest = str_after(command[i], name);

		if (rest && *rest == '=')
			value = rest + 1;
		else if (rest && *rest == '\0' && command[i + 1])
			value = command[++i];
	}
	return value;
}

bool trial_data_dir(const struct config *config, char *buf, size_t size)
{
	const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME"), *given = NULL;

	if (command_is(config, "dockerd"))
		given = option_value(config->command, "--data-root");
	else if (command_is(config, "buildkitd") || command_is(config, "containerd"))
		given = option_value(config->command, "--root");
	if (given && *given == '/')
		return str_print(buf, size, "%s", given) == 0;
	if (data && *data == '/')
		return str_print(buf, size, "%s", data) == 0;
	return home && *home == '/' && str_print(buf, size, "%s/.local/share", home) == 0;
}

/* Open the longest part of @path that exists; cut @path there. */
static int open_existing(char *path)
{
	for (;;) {
		int fd = open(*path ? path : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (fd >= 0 || errno != ENOENT || !strrchr(path, '/'))
			return fd < 0 ? -errno : fd;
		*strrchr(path, '/') = '\0';
	}
}

/* Create a file without a name, or one whose name is removed at once. */
static int make_unnamed(int dir)
{
	static const char name[] = ".fauxroot.check";
	int fd = openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0 || errno == EACCES || errno == EPERM || errno == EROFS || errno == ENOSPC ||
	    errno == EDQUOT || errno == EOVERFLOW)
		return fd < 0 ? -errno : fd;
	fd = openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	(void)unlinkat(dir, name, 0);
	return fd;
}

/* Unpacking an image gives files to other ids. If we have no other id, there is nothing to try. */
static int try_data(const char *wanted, struct error *err)
{
	char path[sizeof(((struct outcome *)NULL)->note)];
	_cleanup_close_ int dir = -1, fd = -1;

	(void)str_print(path, sizeof(path), "%s", wanted);
	dir = open_existing(path);
	if (dir < 0)
		return err_set(err, -dir, "opening %s", path);
	fd = make_unnamed(dir);
	if (fd < 0)
		return err_set(err, -fd, "creating a file in %s", *path ? path : "/");
	if (fchown(fd, 1, 1) < 0 && errno != EINVAL)
		return err_about(err, err_set(err, errno, "giving a file in %s to uid 1", path),
				 REASON_FOREIGN, "%s", path);
	return 0;
}

/* In a process of its own: a file system that does not answer must not stop the other trials. */
static void try_data_apart(struct outcome *outcome)
{
	struct deadline deadline = deadline_in(DATA_MS);
	struct process child;
	int status, rc;

	if (!*outcome->note)
		return;
	outcome->begun = true;
	rc = process_fork("data", &child, &outcome->err);
	if (rc == 0) {
		outcome->rc = try_data(outcome->note, &outcome->err);
		(void)err_step(&outcome->err, outcome->rc, STEP_MOUNT);
		outcome->tried = true;
		_exit(0);
	}
	if (rc > 0 && process_wait(&child, &deadline, -1, &status) < 0)
		process_kill(&child);
}

/* Runs in a process of its own; its exit status is the errno value. */
_noreturn_ static void mount_proc(void)
{
	struct error err = {0};
	struct process init;
	int rc, status = 0;

	if (unshare(CLONE_NEWNS | CLONE_NEWPID) < 0)
		_exit(errno);
	rc = process_fork("init", &init, &err);
	if (rc == 0)
		_exit(-procfs_mount_child(&err));
	if (rc > 0)
		rc = process_wait(&init, NULL, -1, &status);
	_exit(rc < 0 ? -rc : WIFEXITED(status) ? WEXITSTATUS(status) : EIO);
}

/* A container has its own PID namespace, with a /proc for it. */
static int try_container_proc(struct error *err)
{
	struct process child;
	int status, rc = process_fork("a container", &child, err);

	if (rc == 0)
		mount_proc();
	if (rc > 0)
		rc = process_wait(&child, NULL, -1, &status);
	if (rc < 0)
		return rc;
	rc = WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
	if (rc == 0)
		return 0;
	return err_step(err, err_set(err, rc, "mounting proc in a PID namespace"), STEP_PROC);
}

/* Mount a tmpfs on an existing directory and enter it. */
static int enter_tmpfs(struct error *err)
{
	static const char *const places[] = {"/tmp", "/mnt", "/run", "/var"};
	struct stat st;

	if (unshare(CLONE_NEWNS) < 0)
		return err_set(err, errno, "making a mount namespace");
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		if (stat(places[i], &st) < 0 || !S_ISDIR(st.st_mode))
			continue;
		if (mount("tmpfs", places[i], "tmpfs", MS_NOSUID | MS_NODEV, "mode=0700,size=1m") <
			    0 ||
		    chdir(places[i]) < 0)
			return err_set(err, errno, "mounting a tmpfs on %s", places[i]);
		return 0;
	}
	return err_set(err, ENOENT, "mounting a tmpfs");
}

/* Mount overlayfs as daemons do. Linux 5.11 needs "userxattr" in a user namespace; older kernels
 * with a patch of their distribution do not know it. */
static int try_overlay(struct error *err)
{
	static const char *const dirs[] = {"lower", "upper", "work", "merged"};
	static const char *const options[] = {
		"userxattr,lowerdir=lower,upperdir=upper,workdir=work",
		"lowerdir=lower,upperdir=upper,workdir=work",
	};
	int rc = enter_tmpfs(err);

	for (size_t i = 0; i < ARRAY_SIZE(dirs) && rc == 0; i++)
		if (mkdir(dirs[i], 0700) < 0)
			rc = err_set(err, errno, "making a directory");
	if (rc == 0 && mknod("lower/file", S_IFREG | 0600, 0) < 0)
		rc = err_set(err, errno, "making a file");
	if (rc < 0)
		return rc;
	if (mount("overlay", "merged", "overlay", 0, options[0]) < 0 &&
	    (errno != EINVAL || mount("overlay", "merged", "overlay", 0, options[1]) < 0))
		return err_set(err, errno, "mounting overlayfs in a user namespace");
	/* This copies the file up; a security module may refuse it. */
	rc = chmod("merged/file", 0644) < 0 ? -errno : 0;
	if (rc < 0)
		return err_set(err, -rc, "writing to overlayfs in a user namespace");
	return 0;
}

static int try_fuse(struct error *err)
{
	_cleanup_close_ int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	char options[64];
	int rc;

	if (fd < 0)
		return err_set(err, errno, "opening /dev/fuse");
	rc = enter_tmpfs(err);
	if (rc < 0)
		return rc;
	(void)str_print(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
	if (mkdir("fuse", 0700) < 0 ||
	    mount("fuse", "fuse", "fuse", MS_NOSUID | MS_NODEV, options) < 0)
		return err_set(err, errno, "mounting a FUSE file system in a user namespace");
	return 0;
}

void trial_daemon(void *arg)
{
	static int (*const attempts[])(struct error * err) = {
		try_container_proc,
		try_overlay,
		try_fuse,
	};
	struct outcome *outcomes = arg;

	/* Before the other trials mount over directories. */
	try_data_apart(&outcomes[DAEMON_TRIALS - 1]);
	for (size_t i = 0; i < ARRAY_SIZE(attempts); i++) {
		struct outcome *outcome = &outcomes[i];

		outcome->rc = attempts[i](&outcome->err);
		(void)err_step(&outcome->err, outcome->rc, STEP_MOUNT);
		outcome->tried = true;
	}
}

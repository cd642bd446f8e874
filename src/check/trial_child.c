/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The child of a launch, up to the point where it would become the target: the same functions in
 * the same order, in namespaces that end with it. Nothing that it mounts is seen outside: the first
 * thing tried is to make its mounts private to it, and where that fails it tries no more.
 *
 * The file systems of daemons come last, in one more mount namespace: the network's helper still
 * uses the first.
 */
#include "trial.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"
#include "fauxroot/base/str.h"
#include "fauxroot/config/config.h"
#include "fauxroot/mounts/mounts.h"
#include "fauxroot/sys/message.h"
#include "fauxroot/sys/ns.h"

void trial_note(void *arg, enum log_level level, const char *message)
{
	struct outcome *outcome = arg;

	if (level <= LOG_LEVEL_WARNING)
		(void)str_print(outcome->note, sizeof(outcome->note), "%s", message);
	else
		log_as("check", level, message);
}

static int try_netns(const struct trial_plan *plan, struct error *err)
{
	(void)plan;
	return ns_unshare_net(err);
}

static int become_root(const struct trial_plan *plan, struct error *err)
{
	char word;

	if (message_recv(plan->sock, &word, 1, NULL, NULL) != 1)
		_exit(0);
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return err_set(err, errno, "becoming root of the user namespace");
	if (prctl(PR_SET_DUMPABLE, 1) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return err_set(err, errno, "asking to die with the launcher");
	return 0;
}

static int try_mount(const struct trial_plan *plan, struct error *err)
{
	int rc = become_root(plan, err);

	/* A mode that shares mounts with the host is for the launch, not for a trial. */
	if (rc == 0)
		rc = propagation_apply_child(plan->config->propagation, err);
	if (rc == 0)
		rc = propagation_apply_child(PROPAGATION_RPRIVATE, err);
	return rc;
}

static int try_sysfs(const struct trial_plan *plan, struct error *err)
{
	(void)plan;
	return sysfs_mount_child(err);
}

static int try_cgroupfs(const struct trial_plan *plan, struct error *err)
{
	(void)plan;
	return cgroupfs_mount_child(err);
}

static int try_proc(const struct trial_plan *plan, struct error *err)
{
	(void)plan;
	return procfs_mount_child(err);
}

static int try_copy_up(const struct trial_plan *plan, struct error *err)
{
	bool etc;

	return copyup_apply_child(&plan->config->copy_up, plan->statedir, NULL, &etc, err);
}

static int try_target(const struct trial_plan *plan, struct error *err)
{
	return trial_exec(plan->config->command, err);
}

/* In a process that ends with the errno. */
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
	_exit(rc < 0 ? -rc : WEXITSTATUS(status));
}

/* A container has PIDs of its own, and a /proc that shows them. */
static int try_container_proc(const struct trial_plan *plan, struct error *err)
{
	struct process child;
	int status, rc = process_fork("a container", &child, err);

	(void)plan;
	if (rc == 0)
		mount_proc();
	if (rc > 0)
		rc = process_wait(&child, NULL, -1, &status);
	if (rc < 0)
		return rc;
	if (!WIFEXITED(status) || WEXITSTATUS(status) == 0)
		return 0;
	return err_step(err, err_set(err, WEXITSTATUS(status), "mounting proc in a PID namespace"),
			STEP_PROC);
}

/* A tmpfs over a directory that is there, and entered. */
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

static int make_file(const char *path, struct error *err)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	return fd < 0 ? err_set(err, errno, "making a file") : 0;
}

/* As daemons mount it; "userxattr" is what Linux 5.11 wants in a user namespace, and what kernels
 * that allow it with a patch of their distribution do not know. */
static int try_overlay(const struct trial_plan *plan, struct error *err)
{
	static const char *const dirs[] = {"lower", "upper", "work", "merged"};
	static const char *const options[] = {
		"userxattr,lowerdir=lower,upperdir=upper,workdir=work",
		"lowerdir=lower,upperdir=upper,workdir=work",
	};
	int rc = enter_tmpfs(err);

	(void)plan;
	for (size_t i = 0; i < ARRAY_SIZE(dirs) && rc == 0; i++)
		if (mkdir(dirs[i], 0700) < 0)
			rc = err_set(err, errno, "making a directory");
	if (rc == 0)
		rc = make_file("lower/file", err);
	if (rc < 0)
		return rc;
	if (mount("overlay", "merged", "overlay", 0, options[0]) < 0 &&
	    (errno != EINVAL || mount("overlay", "merged", "overlay", 0, options[1]) < 0))
		return err_set(err, errno, "mounting overlayfs in a user namespace");
	/* Copies it up: what a security module refuses shows here. */
	rc = chmod("merged/file", 0644) < 0 ? -errno : 0;
	if (rc < 0)
		return err_set(err, -rc, "writing to overlayfs in a user namespace");
	return 0;
}

static int try_fuse(const struct trial_plan *plan, struct error *err)
{
	_cleanup_close_ int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	char options[64];
	int rc;

	(void)plan;
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

struct attempt {
	enum trial trial;
	int (*try)(const struct trial_plan *plan, struct error *err);
	bool wanted;
	bool vital; /* nothing after it makes sense without it */
};

/* Try the @n attempts and report each; false where that ends the trials. */
static bool try_all(const struct trial_plan *plan, const struct attempt *attempts, size_t n)
{
	struct trial_report report;
	bool going = true;

	log_redirect(trial_note, &report.outcome);
	for (size_t i = 0; i < n && going; i++) {
		if (!attempts[i].wanted)
			continue;
		memset(&report, 0, sizeof(report));
		report.trial = attempts[i].trial;
		report.outcome.tried = true;
		report.outcome.rc = attempts[i].try(plan, &report.outcome.err);
		(void)err_step(&report.outcome.err, report.outcome.rc, STEP_MOUNT);
		going = message_send(plan->sock, &report, sizeof(report), NULL, 0) == 0 &&
			!(attempts[i].vital && report.outcome.rc < 0);
	}
	log_redirect(NULL, NULL);
	return going;
}

static bool report_pause(const struct trial_plan *plan)
{
	const struct trial_report done = {.trial = TRIAL_COUNT_};
	char word;

	return message_send(plan->sock, &done, sizeof(done), NULL, 0) == 0 &&
	       message_recv(plan->sock, &word, 1, NULL, NULL) == 1;
}

_noreturn_ void trial_child(const struct trial_plan *plan)
{
	const struct config *config = plan->config;
	const struct attempt of_clone[] = {
		{TRIAL_CLONE, try_netns, plan->own_netns, true},
	};
	const struct attempt of_launch[] = {
		{TRIAL_MOUNT, try_mount, true, true},
		{TRIAL_PROC, try_proc, config->pidns, false},
		{TRIAL_SYSFS, try_sysfs, plan->own_netns, false},
		{TRIAL_CGROUPFS, try_cgroupfs, config->evacuate_cgroup2 != NULL, false},
		{TRIAL_COPY_UP, try_copy_up, config->copy_up.n > 0, false},
		{TRIAL_TARGET, try_target, config->command && config->command[0], false},
	};
	const struct attempt of_daemon[] = {
		{TRIAL_CONTAINER_PROC, try_container_proc, trial_wants_storage(config), false},
		{TRIAL_OVERLAY, try_overlay, trial_wants_storage(config), false},
		{TRIAL_FUSE, try_fuse, trial_wants_storage(config), false},
	};
	char word;

	if (!try_all(plan, of_clone, ARRAY_SIZE(of_clone)))
		/* The middle process finds our /proc files until the launcher has read that. */
		(void)message_recv(plan->sock, &word, 1, NULL, NULL);
	else if (try_all(plan, of_launch, ARRAY_SIZE(of_launch)) && report_pause(plan))
		(void)try_all(plan, of_daemon, ARRAY_SIZE(of_daemon));
	_exit(0);
}

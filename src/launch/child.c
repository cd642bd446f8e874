/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The child is born into its namespaces, owns nothing there yet, and waits until the middle process
 * has written its id maps. Only the network namespace it makes itself, which costs as much as all
 * else that the kernel does for a launch, and goes on beside the writing. Then it becomes root of
 * its user namespace, arms PDEATHSIG, and mounts. The credential change clears PDEATHSIG (man 2
 * prctl), so it is armed last, and the launcher's life is checked after that: whoever dies in
 * between is noticed. getppid(2) would not tell: it is 0 in a PID namespace.
 *
 * The child becomes the target by itself. Everything of ours is close-on-exec; the launcher sees
 * the end of file when that has worked. With --pidns it becomes init instead, which forks the
 * target: init.c.
 */
#include "child.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"
#include "fauxroot/base/spawn.h"
#include "fauxroot/base/str.h"
#include "fauxroot/config/config.h"
#include "fauxroot/mounts/etcfiles.h"
#include "fauxroot/mounts/mounts.h"
#include "fauxroot/mounts/progress.h"
#include "fauxroot/supervise/activation.h"
#include "fauxroot/supervise/signals.h"
#include "fauxroot/sys/caps.h"
#include "fauxroot/sys/ns.h"
#include "handshake.h"
#include "init.h"
#include "launch.h"

static int make_netns(const struct child_plan *plan, struct error *err)
{
	int rc;

	if (!plan->own_netns)
		return 0;
	rc = ns_unshare_net(err);
	if (rc < 0)
		return rc;
	rc = handshake_say(plan->sock, HANDSHAKE_NETWORK);
	return rc < 0 ? err_set(err, -rc, "telling the launcher of the network namespace") : 0;
}

static int become_root(const struct child_plan *plan, struct error *err)
{
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return err_set(err, errno, "becoming root of the user namespace");
	/* The change made us undumpable: our /proc files must be ours while we mount. */
	if (prctl(PR_SET_DUMPABLE, 1) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return err_set(err, errno, "asking to die with the launcher");
	if (!handshake_peer_lives(plan->sock))
		return err_say(err, ECONNRESET, "the launcher has gone");
	return caps_clear_passed_on(err);
}

/* @netns: a detached network namespace, or -1 */
static int mount_all(const struct child_plan *plan, int netns, struct error *err)
{
	_cleanup_etcfiles_ struct etcfiles files = ETCFILES_NONE;
	const struct config *config = plan->config;
	bool etc_copied = false;
	int rc;

	progress_at(plan->progress, "/proc and /sys");
	rc = propagation_apply_child(config->propagation, err);
	if (rc == 0 && config->pidns)
		rc = procfs_mount_child(err);
	if (rc == 0 && plan->own_netns)
		rc = sysfs_mount_child(err);
	if (rc == 0 && config->evacuate_cgroup2)
		rc = cgroupfs_mount_child(err);
	progress_at(plan->progress, "the state directory %s", plan->state_dir);
	if (rc == 0 && netns >= 0)
		rc = netns_bind_child(netns, plan->state_dir, err);
	/* Held now: copy-up covers what leads there. */
	if (rc == 0 && plan->network_files)
		rc = etcfiles_open_child(plan->state_dir, &files, err);
	if (rc == 0 && config->copy_up.n > 0)
		rc = copyup_apply_child(&config->copy_up, plan->state_dir, plan->progress,
					&etc_copied, err);
	progress_at(plan->progress, "resolv.conf and hosts of /etc");
	if (rc == 0 && plan->network_files)
		rc = etcfiles_bind_child(&files, etc_copied, err);
	if (rc == 0 && plan->network_files) {
		rc = etc_hand(plan->sock, &files);
		rc = rc < 0 ? err_set(err, -rc, "telling the launcher of /etc") : 0;
	}
	return rc;
}

static int set_environment(const struct child_plan *plan, struct error *err)
{
	char euid[16], egid[16];

	str_print(euid, sizeof(euid), "%u", plan->parent_euid);
	str_print(egid, sizeof(egid), "%u", plan->parent_egid);
	if (setenv("ROOTLESSKIT_STATE_DIR", plan->state_dir, 1) < 0 ||
	    setenv("ROOTLESSKIT_PARENT_EUID", euid, 1) < 0 ||
	    setenv("ROOTLESSKIT_PARENT_EGID", egid, 1) < 0 ||
	    (plan->notify && setenv("NOTIFY_SOCKET", plan->notify, 1) < 0) ||
	    (!plan->config->pidns &&
	     activation_retarget(plan->activated, plan->launcher, getpid()) < 0))
		return err_set(err, ENOMEM, "setting the target's environment");
	return 0;
}

/*
 * Not execvp(3): it hands what the kernel cannot execute, a foreign machine's program say, to a
 * shell, and a directory of PATH that we may not search turns "not found" into "permission denied".
 */
int target_exec(char **command, const struct signals *signals, struct error *err)
{
	_cleanup_free_ char *path = NULL;
	int rc = path_find(command[0], &path);

	signals_restore(signals);
	if (rc == 0) {
		execv(path, command);
		rc = -errno;
	}
	(void)err_set(err, -rc, "executing \"%s\"", command[0]);
	return err_step(err, err_about(err, rc, REASON_EXEC, "%s", command[0]), STEP_EXEC);
}

/* The child's story, step by step. Returns only when one has failed. */
static int run_child(const struct child_plan *plan, struct error *err)
{
	const struct config *config = plan->config;
	_cleanup_close_ int self = -1, netns = -1;
	int rc = make_netns(plan, err);

	if (rc == 0)
		rc = handshake_take(plan->sock, HANDSHAKE_MAPPED, "waiting for the id map", -1,
				    &netns, err);
	if (rc == 0)
		rc = become_root(plan, err);
	if (rc == 0 && config->pidns)
		rc = init_open_self(&self, err);
	if (rc == 0)
		rc = err_step(err, mount_all(plan, netns, err), STEP_MOUNT);
	if (rc == 0)
		rc = handshake_say(plan->sock, HANDSHAKE_MOUNTED);
	if (rc == 0)
		rc = handshake_expect(plan->sock, HANDSHAKE_GO, "waiting for the launcher", -1,
				      err);
	if (rc == 0)
		rc = set_environment(plan, err);
	if (rc == 0)
		rc = config->pidns ? init_become(plan, self, err)
				   : target_exec(config->command, plan->signals, err);
	return rc;
}

_noreturn_ void child_main(const struct child_plan *plan)
{
	int sock = plan->sock;
	struct error err = {0};

	log_redirect(handshake_log, &sock);
	run_child(plan, &err);
	handshake_fail(sock, &err);
	/* The middle process finds our /proc files until the launcher has read that and ends us. */
	handshake_await_end(sock);
	_exit(1);
}

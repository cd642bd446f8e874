/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The child is cloned into its namespaces, where it has no mapped ids yet. It waits until the
 * middle process has written its id maps. Meanwhile it makes the network namespace: for the kernel
 * that is as much work as the rest of the launch. Then it becomes root of its user namespace, arms
 * PDEATHSIG, and mounts. A change of credentials clears PDEATHSIG (man 2 prctl), so it is armed
 * after that. Then the child checks that the launcher is alive, in case the launcher died before.
 * getppid(2) does not show that: in a PID namespace it returns 0.
 *
 * The child itself executes the target. All our descriptors are close-on-exec, so the launcher sees
 * end of file when execve(2) has succeeded. With --pidns the child becomes init instead, which
 * forks the target: supervise/init.h.
 */
#include "child.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "etc.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"
#include "fauxroot/base/spawn.h"
#include "fauxroot/base/str.h"
#include "fauxroot/config/config.h"
#include "fauxroot/mounts/etcfiles.h"
#include "fauxroot/mounts/mounts.h"
#include "fauxroot/proc/handshake.h"
#include "fauxroot/proc/progress.h"
#include "fauxroot/supervise/activation.h"
#include "fauxroot/supervise/init.h"
#include "fauxroot/supervise/initargs.h"
#include "fauxroot/supervise/notify.h"
#include "fauxroot/supervise/target.h"
#include "fauxroot/sys/caps.h"
#include "fauxroot/sys/ns.h"
#include "launch.h"
#include "stage.h"

int child_make_netns(struct launch *l, struct error *err)
{
	int rc = ns_unshare_net(err);

	if (rc < 0)
		return rc;
	rc = handshake_send(l->in_child.sock, HANDSHAKE_NETWORK);
	return rc < 0 ? err_set(err, -rc, "reporting the network namespace to the launcher") : 0;
}

int child_become_root(struct launch *l, struct error *err)
{
	int rc = handshake_receive_fd(l->in_child.sock, HANDSHAKE_MAPPED, "waiting for the id map",
				      -1, &l->in_child.netns, err);

	if (rc < 0)
		return rc;
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return err_set(err, errno, "becoming root of the user namespace");
	/* The change made us undumpable. While we mount, we need access to our /proc files. */
	if (prctl(PR_SET_DUMPABLE, 1) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return err_set(err, errno, "setting the parent-death signal");
	if (!handshake_peer_lives(l->in_child.sock))
		return err_say(err, ECONNRESET, "the launcher has exited");
	return caps_clear_passed_on(err);
}

int child_open_self(struct launch *l, struct error *err)
{
	return init_open_self(&l->in_child.self, err);
}

int child_set_propagation(struct launch *l, struct error *err)
{
	progress_at(l->cloned.progress, "/proc and /sys");
	return propagation_apply_child(l->config->propagation, err);
}

int child_mount_proc(struct launch *l, struct error *err)
{
	(void)l;
	return procfs_mount_child(err);
}

int child_mount_sys(struct launch *l, struct error *err)
{
	(void)l;
	return sysfs_mount_child(err);
}

int child_mount_cgroupfs(struct launch *l, struct error *err)
{
	(void)l;
	return cgroupfs_mount_child(err);
}

int child_bind_netns(struct launch *l, struct error *err)
{
	progress_at(l->cloned.progress, "the state directory %s", l->prepared.state.path);
	return netns_bind_child(l->in_child.netns, l->prepared.state.path, err);
}

/* Open resolv.conf and hosts before copy-up, which hides their path. */
int child_open_etc(struct launch *l, struct error *err)
{
	progress_at(l->cloned.progress, "the state directory %s", l->prepared.state.path);
	return etcfiles_open_child(l->prepared.state.path, config_dns(l->config) != DNS_NONE,
				   &l->in_child.files, err);
}

int child_copy_up_for(struct launch *l, const char *state_dir, struct error *err)
{
	char usual[32];
	const struct copyup request = {
		.config = l->config,
		.state_dir = state_dir,
		.keep = {getenv("XDG_RUNTIME_DIR"), usual},
		.progress = l->cloned.progress,
	};

	str_print(usual, sizeof(usual), "/run/user/%u", l->launcher.euid);
	return copyup_apply_child(&request, &l->in_child.etc_copied, err);
}

int child_copy_up(struct launch *l, struct error *err)
{
	return child_copy_up_for(l, l->prepared.state.path, err);
}

int child_bind_etc(struct launch *l, struct error *err)
{
	progress_at(l->cloned.progress, "resolv.conf and hosts of /etc");
	return etcfiles_bind_child(&l->in_child.files, l->in_child.etc_copied, err);
}

int child_send_etc(struct launch *l, struct error *err)
{
	int rc = etc_send(l->in_child.sock, &l->in_child.files);

	etcfiles_close(&l->in_child.files);
	return rc < 0 ? err_set(err, -rc, "sending the descriptors of /etc to the launcher") : 0;
}

/* After the mounts, so that the target sees the same directory. */
int child_enter_workdir(struct launch *l, struct error *err)
{
	progress_at(l->cloned.progress, "the working directory %s", l->config->workdir);
	if (chdir(l->config->workdir) < 0)
		return err_set(err, errno, "--workdir=%s", l->config->workdir);
	return 0;
}

int child_report_mounted(struct launch *l, struct error *err)
{
	int rc = handshake_send(l->in_child.sock, HANDSHAKE_MOUNTED);

	return rc < 0 ? err_set(err, -rc, "reporting the mounts to the launcher") : 0;
}

int child_set_environment(struct launch *l, struct error *err)
{
	const char *notify = notify_path(l->prepared.notify);
	char euid[16], egid[16];
	int rc = handshake_expect(l->in_child.sock, HANDSHAKE_GO, "waiting for the launcher", -1,
				  err);

	if (rc < 0)
		return rc;
	str_print(euid, sizeof(euid), "%u", l->launcher.euid);
	str_print(egid, sizeof(egid), "%u", l->launcher.egid);
	if (setenv("ROOTLESSKIT_STATE_DIR", l->prepared.state.path, 1) < 0 ||
	    setenv("ROOTLESSKIT_PARENT_EUID", euid, 1) < 0 ||
	    setenv("ROOTLESSKIT_PARENT_EGID", egid, 1) < 0 ||
	    (notify && setenv("NOTIFY_SOCKET", notify, 1) < 0) ||
	    (!l->config->pidns &&
	     activation_retarget(l->launcher.activated, l->launcher.pid, getpid()) < 0))
		return err_set(err, ENOMEM, "setting the target's environment");
	return 0;
}

/* With --pidns the command is a child of init. */
static int become_init(const struct launch *l, struct error *err)
{
	struct init_args args = {
		.sock = l->in_child.sock,
		.reports = l->in_child.reports,
		.reap_all = l->config->reaper != TRI_FALSE,
		.activated = l->launcher.activated,
		.launcher = l->launcher.pid,
		.kill_orphans = l->config->kill_orphans,
		.kill_timeout = l->config->kill_timeout,
	};

	memcpy(&args.caller_mask, &l->signals->caller_mask, sizeof(args.caller_mask));
	return init_execute(l->in_child.self, &args, l->config->command, err);
}

int child_execute(struct launch *l, struct error *err)
{
	return l->config->pidns ? become_init(l, err)
				: target_exec(l->config->command, l->signals, err);
}

_noreturn_ void child_main(struct launch *l)
{
	int sock = l->in_child.sock;
	struct error err = {0};

	log_redirect(handshake_log, &sock);
	(void)stages_run(l, SIDE_CHILD, &err);
	if (l->rehearsal && l->rehearsal->of[STAGE_MOUNTED].tried) {
		if (l->rehearsal->inside)
			l->rehearsal->inside(l->rehearsal->arg);
		_exit(0);
	}
	handshake_fail(sock, &err);
	/* Stay until the launcher has read this: newuidmap may still need our /proc files. */
	handshake_await_end(sock);
	_exit(1);
}

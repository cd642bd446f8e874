/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A launch without its target: what can be looked at from outside comes first, then a middle
 * process is cloned, gets its maps, and clones a child with the namespaces asked for, which mounts,
 * and the network's driver starts on it; then all of it ends. The rooms below do the work, so a
 * trial fails where the launch would, with the same error.
 *
 * One obstacle must not hide the next: where the subordinate ids or their maps fail, a second child
 * gets a map of the caller alone, which needs no privileges, so that mounts and network are tried
 * nevertheless.
 *
 * Nothing of it has a name outside: the child and its namespaces end with us whatever ends us.
 */
#include "trial.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/str.h"
#include "fauxroot/config/config.h"
#include "fauxroot/idmap/idmap.h"
#include "fauxroot/state/statedir.h"
#include "fauxroot/supervise/cgroup2.h"
#include "fauxroot/sys/caps.h"
#include "fauxroot/sys/message.h"

struct outcome *trial_begin(const struct trials *t, enum trial trial)
{
	log_redirect(trial_note, &t->to->of[trial]);
	return &t->to->of[trial];
}

int trial_end(struct outcome *outcome, int rc, const struct error *err)
{
	outcome->tried = true;
	outcome->rc = rc;
	if (rc < 0)
		outcome->err = *err;
	return rc;
}

bool trial_wants_storage(const struct config *config)
{
	static const char *const daemons[] = {
		"dockerd",
		"dockerd-rootless.sh",
		"buildkitd",
		"buildctl-daemonless.sh",
		"containerd",
		"containerd-rootless.sh",
		"podman",
		"buildah",
		"containerd-rootless-setuptool.sh",
		"k3s",
		"nerdctl",
		"crio",
		"sh",
		"bash",
	};
	const char *command = config->command ? config->command[0] : NULL;
	const char *slash = command ? strrchr(command, '/') : NULL;

	for (size_t i = 0; command && i < ARRAY_SIZE(daemons); i++)
		if (streq(slash ? slash + 1 : command, daemons[i]))
			return true;
	return !command;
}

static void try_statedir(struct trials *t)
{
	struct outcome *outcome = trial_begin(t, TRIAL_STATEDIR);
	/* A page a file: child_pid, and with a network resolv.conf and hosts. */
	size_t room = t->config->net == NET_HOST ? 4096 : (size_t)3 * 4096;
	struct error err = {0};

	if (trial_end(outcome, statedir_check(t->config->state_dir, room, &t->statedir, &err),
		      &err) == 0)
		(void)str_print(outcome->note, sizeof(outcome->note), "%s", t->statedir);
}

/* It changes nothing before the child is there. */
static void try_cgroup(struct trials *t)
{
	_cleanup_cgroup2_ struct cgroup2 cgroup = CGROUP2_NONE;
	struct outcome *outcome = trial_begin(t, TRIAL_CGROUP);
	struct error err = {0};
	int rc;

	if (!t->config->evacuate_cgroup2)
		return;
	rc = cgroup2_open(t->config->evacuate_cgroup2, &cgroup, &err);
	if (trial_end(outcome, rc, &err) == 0)
		(void)str_print(outcome->note, sizeof(outcome->note), "%s", cgroup.path);
}

/* Who may send echo requests without privileges is a range of groups, and all of ours count (man 7
 * icmp, ping_group_range). */
static void try_ping(struct trials *t)
{
	struct outcome *outcome = trial_begin(t, TRIAL_PING);
	struct error err = {0};
	int fd, rc = 0;

	if (t->config->net != NET_SLIRP4NETNS)
		return;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_ICMP);
	if (fd < 0)
		rc = err_set(&err, errno, "making an ICMP socket");
	fd_close(fd);
	(void)trial_end(outcome, rc, &err);
}

/* What a launch looks for before all else. */
static void try_fds(struct trials *t)
{
	struct outcome *outcome = trial_begin(t, TRIAL_FDS);
	struct error err = {0};

	(void)trial_end(outcome, config_find_room(t->config, &err), &err);
}

/* Is the child itself in the network that it gets? */
static bool in_own_netns(const struct config *config)
{
	return config->net != NET_HOST && !config->detach_netns;
}

static unsigned long clone_flags(const struct trials *t)
{
	const struct config *config = t->config;

	return CLONE_NEWUSER | CLONE_NEWNS | (config->pidns ? (unsigned long)CLONE_NEWPID : 0) |
	       (config->cgroupns ? (unsigned long)CLONE_NEWCGROUP : 0) |
	       (config->utsns ? (unsigned long)CLONE_NEWUTS : 0) |
	       (config->ipcns ? (unsigned long)CLONE_NEWIPC : 0);
}

/* The network namespace is the child's to make, as in a launch. */
static int expect_netns(const struct trials *t, struct error *err)
{
	struct deadline deadline = deadline_in(TRIAL_MS);
	struct trial_report report;
	int rc;

	rc = fd_wait(t->sock, POLLIN, &deadline, t->cancel_fd);
	if (rc < 0)
		return err_set(err, -rc, "making the network namespace");
	if (message_recv(t->sock, &report, sizeof(report), NULL, NULL) != sizeof(report))
		return err_say(err, ECONNRESET, "the child has gone");
	if (report.outcome.rc < 0) {
		rc = err_arrived(&report.outcome.err);
		*err = report.outcome.err;
		return rc;
	}
	return 0;
}

static int pin_namespaces(struct trials *t, struct error *err)
{
	unsigned long flags = clone_flags(t);
	int middle = t->ns.user, rc = 0;

	if (in_own_netns(t->config)) {
		flags |= CLONE_NEWNET;
		rc = expect_netns(t, err);
	}
	if (rc == 0)
		rc = ns_pin(t->child.pid, flags, &t->target_ns, err);
	if (rc < 0)
		return rc;
	t->ns = t->target_ns;
	t->ns.user = middle;
	return 0;
}

/* The middle process, waiting for its maps. */
static int start_middle(struct trials *t, const struct idmap *map)
{
	struct outcome *outcome = trial_begin(t, TRIAL_CLONE);
	struct trial_plan plan = {
		.config = t->config,
		.own_netns = in_own_netns(t->config),
		.statedir = t->statedir && access(t->statedir, X_OK) == 0 ? t->statedir : "/",
	};
	struct error err = {0};
	int pair[2], rc;

	/* As in a launch: an executable with file capabilities is not dumpable. */
	if (prctl(PR_SET_DUMPABLE, 1) < 0)
		return trial_end(outcome, err_set(&err, errno, "becoming dumpable"), &err);
	rc = message_pair(pair);
	if (rc < 0)
		return trial_end(outcome, err_set(&err, -rc, "making a socket pair"), &err);
	plan.peer_sock = pair[0];
	plan.sock = pair[1];
	t->sock = pair[0];
	rc = trial_clone_middle(t, &plan, map, clone_flags(t), &err);
	fd_close(pair[1]);
	return rc < 0 ? trial_end(outcome, rc, &err) : 0;
}

/* The child, in its namespaces. */
static int start_child(struct trials *t)
{
	struct outcome *outcome = trial_begin(t, TRIAL_CLONE);
	struct error err = {0};
	int rc = trial_clone_child(t, &err);

	if (rc == 0)
		rc = pin_namespaces(t, &err);
	return trial_end(outcome, err_step(&err, rc, STEP_CLONE), &err);
}

/* Take what the child reports, until it pauses or has ended. 0 or -ECANCELED */
static int take_reports(struct trials *t, const struct deadline *deadline)
{
	struct trial_report report;

	for (;;) {
		int rc = fd_wait(t->sock, POLLIN, deadline, t->cancel_fd);

		if (rc == -ECANCELED)
			return rc;
		if (rc < 0 ||
		    message_recv(t->sock, &report, sizeof(report), NULL, NULL) != sizeof(report) ||
		    (unsigned)report.trial >= TRIAL_COUNT_)
			return 0;
		if (report.outcome.rc < 0)
			report.outcome.rc = err_arrived(&report.outcome.err);
		report.outcome.note[sizeof(report.outcome.note) - 1] = '\0';
		t->to->of[report.trial] = report.outcome;
	}
}

static void say_go_on(const struct trials *t)
{
	/* A child that has gone shows in its reports. */
	(void)message_send(t->sock, "", 1, NULL, 0);
}

/* One child from clone to end. -ECANCELED, or 0 */
static int try_child(struct trials *t, const struct idmap *map, bool is_fallback)
{
	struct deadline deadline = deadline_in(TRIAL_MS);
	struct error err = {0};
	int rc = start_middle(t, map);

	if (rc < 0)
		return rc;
	rc = idmap_apply(map, t->middle.process.pid, &deadline, t->cancel_fd, &err);
	if (!is_fallback || rc < 0)
		(void)trial_end(trial_begin(t, TRIAL_IDMAP), rc, &err);
	if (rc == 0)
		rc = start_child(t);
	if (rc < 0)
		return rc;
	say_go_on(t);
	if (trial_network(t) == -ECANCELED)
		return -ECANCELED;
	rc = take_reports(t, &deadline);
	if (rc < 0)
		return rc;
	say_go_on(t);
	return take_reports(t, &deadline);
}

static void end_child(struct trials *t)
{
	process_kill(&t->child);
	ns_holder_end(&t->middle);
	t->sock = fd_close(t->sock);
	t->target_ns.user = fd_close(t->target_ns.user);
	ns_set_close(&t->ns);
}

static int plan_map(struct trials *t, enum idmap_mode mode, struct idmap *ret, struct error *err)
{
	struct deadline deadline = deadline_in(TRIAL_MS);
	struct config config = *t->config;

	config.idmap = mode;
	return idmap_prepare(&config, &deadline, t->cancel_fd, ret, err);
}

static int try_namespaces(struct trials *t)
{
	struct outcome *outcome = trial_begin(t, TRIAL_RANGES);
	struct error err = {0};
	struct idmap map;
	int rc = plan_map(t, t->config->idmap, &map, &err);

	(void)trial_end(outcome, rc, &err);
	t->to->mappers = t->config->idmap != IDMAP_SINGLE && !caps_can_write_maps();
	if (rc == 0) {
		t->to->uids = idmap_count(&map.uid);
		t->to->gids = idmap_count(&map.gid);
		rc = try_child(t, &map, false);
		end_child(t);
	}
	if (rc == -ECANCELED || t->config->idmap == IDMAP_SINGLE ||
	    (t->to->of[TRIAL_RANGES].rc == 0 && t->to->of[TRIAL_IDMAP].rc == 0))
		return rc;
	/* As --idmap=single, for the sake of the other trials. */
	if (plan_map(t, IDMAP_SINGLE, &map, &err) == 0) {
		struct outcome of_map = t->to->of[TRIAL_IDMAP];

		rc = try_child(t, &map, true);
		t->to->of[TRIAL_IDMAP] = of_map;
		end_child(t);
	}
	return rc;
}

/* What no child could try, as far as it can be seen from here. */
static void try_outside(struct trials *t)
{
	struct outcome *target = trial_begin(t, TRIAL_TARGET);
	char **command = t->config->command;
	_cleanup_free_ char *path = NULL;
	struct error err = {0};
	int rc;

	trial_listen(t->config, t->to);
	if (target->tried || !command || !command[0])
		return;
	rc = path_find(command[0], &path);
	if (rc < 0)
		(void)err_step(&err, err_set(&err, -rc, "executing \"%s\"", command[0]), STEP_EXEC);
	(void)trial_end(target, rc, &err);
}

void outcomes_free(struct outcomes *outcomes)
{
	if (outcomes)
		free(outcomes->kernel_config);
	free(outcomes);
}

int preflight_try(const struct config *config, int cancel_fd, struct outcomes *ret)
{
	struct trials t = {
		.config = config,
		.to = ret,
		.cancel_fd = cancel_fd,
		.middle = NS_HOLDER_NONE,
		.child = PROCESS_NONE,
		.ns = NS_SET_NONE,
		.target_ns = NS_SET_NONE,
		.sock = -1,
	};
	int rc;

	memset(ret, 0, sizeof(*ret));
	try_fds(&t);
	try_ping(&t);
	try_cgroup(&t);
	trial_open_network(&t);
	try_statedir(&t);
	rc = try_namespaces(&t);
	if (rc != -ECANCELED) {
		trial_settle_network(&t);
		try_outside(&t);
		trial_kernel_config(&t);
		trial_docker_version(&t);
	}
	if (t.net_opened)
		net_stop(&t.net);
	free(t.statedir);
	log_redirect(NULL, NULL);
	return rc == -ECANCELED ? rc : 0;
}

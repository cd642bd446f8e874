/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The launcher's column of the launch, in the order of bring_up(). What can be known in advance is
 * looked at first, so that a missing range or program is said before anything has started. Then the
 * middle process is cloned into a user namespace of ours, and helper programs write its id maps,
 * which is the longest part of a short launch; meanwhile the launcher makes what needs no child:
 * the API, and part of the network. The middle process clones the child (middle.c), which is the
 * launcher's own child. The launcher sets up the rest of the network from outside while the child
 * mounts inside. Everything that the target may look for exists before it runs: "go" is the last
 * word.
 *
 * The waits of the launch have deadlines, and end when a terminating signal is pending. Whatever
 * fails, take_down() releases it all in the reverse order.
 */
#include "fauxroot/launch/launcher.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "child.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"
#include "fauxroot/config/config.h"
#include "fauxroot/idmap/idmap.h"
#include "fauxroot/mounts/etcfiles.h"
#include "fauxroot/mounts/mounts.h"
#include "fauxroot/mounts/progress.h"
#include "fauxroot/supervise/notify.h"
#include "fauxroot/supervise/reap.h"
#include "fauxroot/supervise/terminal.h"
#include "fauxroot/sys/message.h"
#include "handshake.h"
#include "launch.h"
#include "middle.h"
#include "reports.h"

/* newuidmap needs a millisecond; name services behind it may be slow. */
#define IDMAP_MS 10000
#define NETNS_MS 5000
/* Two processes of ours, and the kernel. */
#define CLONE_MS 10000

static int write_state_file(const void *arg, const char *name, const char *text, size_t size,
			    struct error *err)
{
	return statedir_write(arg, name, text, size, 0644, err);
}

/*
 * resolv.conf and hosts of the child, before it needs them; and what a detached namespace is bound
 * on, where the files are for those who enter it.
 */
static int write_network_files(struct launch *l, struct error *err)
{
	_cleanup_strv_ struct strv dns = {NULL, 0};

	if (l->net.plan.detached && statedir_write(&l->state, NETNS_FILE, "", 0, 0444, err) < 0)
		return -err->code;
	if (!l->net.plan.configures_dns)
		return 0;
	if (net_dns(&l->net, &dns) < 0)
		return err_set(err, ENOMEM, "listing the name servers");
	return etcfiles_write_parent(write_state_file, &l->state, &dns, err);
}

/* For `fauxrootctl ps` alone: made while the target is being executed. */
static void announce(struct launch *l)
{
	struct error err;

	if (instance_announce(&l->state, &l->link, &err) < 0)
		log_debug("not in the list of instances: %s", err.text);
	statedir_sweep_strays();
}

static bool in_own_netns(const struct launch *l)
{
	return l->net.plan.own_netns && !l->net.plan.detached;
}

/* Of the second clone. The network namespace is the child's to make. */
static unsigned long clone_flags(const struct launch *l)
{
	unsigned long flags = CLONE_NEWUSER | CLONE_NEWNS;

	if (l->config->pidns)
		flags |= CLONE_NEWPID;
	if (l->config->cgroupns)
		flags |= CLONE_NEWCGROUP;
	if (l->config->utsns)
		flags |= CLONE_NEWUTS;
	if (l->config->ipcns)
		flags |= CLONE_NEWIPC;
	return flags;
}

/* The middle process, in its user namespace; it waits for its maps. */
static int clone_middle(struct launch *l, const struct idmap *map, const struct child_plan *child,
			struct error *err)
{
	struct middle_plan plan = {.map = map, .flags = clone_flags(l), .child = child};
	struct ns_job job;
	int pair[2], rc = message_pair(pair);

	if (rc < 0)
		return err_set(err, -rc, "making a socket pair");
	if (net_set_up_job(&l->net, &job))
		plan.hold = &job;
	l->middle.sock = plan.peer_sock = pair[0];
	plan.sock = pair[1];
	rc = ns_clone(CLONE_NEWUSER, &l->middle.process, err);
	if (rc == 0)
		middle_main(&plan);
	fd_close(plan.sock);
	/* Before it can end: what follows acts in its namespace. */
	return rc < 0 ? rc : ns_pin(l->middle.process.pid, CLONE_NEWUSER, &l->ns, err);
}

static int start_middle(struct launch *l, const struct idmap *map, struct error *err)
{
	struct child_plan plan = {
		.config = l->config,
		.signals = l->signals,
		.state_dir = l->state.path,
		.own_netns = in_own_netns(l),
		.network_files = l->net.plan.configures_dns && !l->net.plan.detached,
		.activated = l->activated,
		.notify = notify_path(l->notify),
		.launcher = getpid(),
		.parent_euid = geteuid(),
		.parent_egid = getegid(),
	};
	int pair[2], reports[2] = {-1, -1}, rc = reap_adopt_orphans(err);

	plan.progress = l->progress = progress_new();
	if (rc == 0 && !l->progress)
		rc = err_set(err, ENOMEM, "sharing memory with the child");
	if (rc == 0)
		rc = leftovers_note_strangers(l, err);
	if (rc < 0)
		return rc;
	/* An executable with file capabilities makes us undumpable, and newuidmap could not open
	 * the middle process's /proc files then, nor we its namespace. */
	if (prctl(PR_SET_DUMPABLE, 1) < 0)
		return err_set(err, errno, "becoming dumpable");
	rc = message_pair(pair);
	if (rc < 0)
		return err_set(err, -rc, "making a socket pair");
	l->sock = plan.peer_sock = pair[0];
	plan.sock = pair[1];
	if (l->config->pidns)
		rc = reports_open(reports);
	l->reports = reports[0];
	plan.reports = reports[1];
	if (rc < 0)
		rc = err_set(err, -rc, "making a socket pair");
	else
		rc = clone_middle(l, map, &plan, err);
	fd_close(plan.sock);
	fd_close(plan.reports);
	return rc;
}

/* The network that the child makes is there when it says so. */
static int pin_namespaces(struct launch *l, struct error *err)
{
	unsigned long flags = clone_flags(l);
	int middle = l->ns.user, rc = 0;

	if (in_own_netns(l)) {
		flags |= CLONE_NEWNET;
		rc = handshake_follow(l->sock, HANDSHAKE_NETWORK, "making the network namespace",
				      l->progress, l->signals->cancel, NULL, err);
	}
	if (rc == 0)
		rc = ns_pin(l->child.pid, flags, &l->target_ns, err);
	if (rc < 0)
		return rc;
	l->ns = l->target_ns;
	l->ns.user = middle;
	return 0;
}

/* A network namespace without the child in it, but owned by the child's user namespace: all that is
 * done to the network is done to this one. */
static int detach_netns(struct launch *l, struct error *err)
{
	struct deadline deadline = deadline_in(NETNS_MS);

	if (!l->net.plan.detached)
		return 0;
	return ns_make_net(&l->target_ns, &l->ns.net, &deadline, l->signals->cancel, err);
}

/* While the ids are being mapped: what needs no child. */
static int make_meanwhile(struct launch *l, struct error *err)
{
	int rc = net_prepare(&l->net, err);

	return rc < 0 ? rc : serve_start(l, err);
}

/* Where both fail, no map is told rather than what does not work without one. */
static int map_ids(struct launch *l, const struct idmap *map, struct error *err)
{
	struct deadline deadline = deadline_in(IDMAP_MS);
	struct idmap_writers writers;
	struct error other;
	int rc = idmap_begin(map, l->middle.process.pid, &writers, err), made;

	if (rc < 0)
		return rc;
	made = make_meanwhile(l, &other);
	rc = idmap_finish(&writers, &deadline, l->signals->cancel, err);
	if (rc == 0 && made < 0) {
		*err = other;
		rc = made;
	}
	return rc;
}

static const char middle_words[] = "making the command's user namespace";

/* The middle process's next message. @ret_fd: NULL, or for what comes with it */
static int hear_middle(struct launch *l, enum handshake_type type, int *ret_fd, struct error *err)
{
	struct deadline deadline = deadline_in(CLONE_MS);
	int rc = fd_wait(l->middle.sock, POLLIN, &deadline, l->signals->cancel);

	if (rc < 0)
		rc = err_set(err, -rc, "%s", middle_words);
	else
		rc = handshake_follow(l->middle.sock, type, middle_words, l->progress,
				      l->signals->cancel, ret_fd, err);
	return err_step(err, rc, STEP_CLONE);
}

/* The middle process clones it; it is our own child. */
static int take_child(struct launch *l, struct error *err)
{
	_cleanup_close_ int pidfd = -1;
	int rc = handshake_say(l->middle.sock, HANDSHAKE_MAPPED);

	/* One that has gone may have said why. */
	if (rc < 0 && rc != -EPIPE)
		return err_step(err, err_set(err, -rc, "%s", middle_words), STEP_CLONE);
	rc = hear_middle(l, HANDSHAKE_CHILD, &pidfd, err);
	if (rc < 0)
		return rc;
	rc = process_of_pidfd(pidfd, &l->child);
	if (rc < 0)
		return err_step(err, err_set(err, -rc, "finding the child's process"), STEP_CLONE);
	pidfd = -1;
	return 0;
}

/* From the maps of the middle namespace to the child's pinned namespaces. */
static int make_child(struct launch *l, struct error *err)
{
	int rc = take_child(l, err);

	/* After the clone, for the root of its cgroup namespace; before there are helpers. */
	if (rc == 0 && l->config->evacuate_cgroup2)
		rc = cgroup2_evacuate(&l->cgroup, l->child.pid, err);
	if (rc == 0)
		rc = pin_namespaces(l, err);
	if (rc == 0)
		rc = detach_netns(l, err);
	if (rc == 0)
		rc = hear_middle(l, HANDSHAKE_MAPPED, NULL, err);
	return rc;
}

/* The child mounts now. */
static int say_mapped(struct launch *l, struct error *err)
{
	int rc = handshake_hand(l->sock, HANDSHAKE_MAPPED, l->net.plan.detached ? l->ns.net : -1);

	return rc < 0 ? err_set(err, -rc, "telling the child that its ids are mapped") : 0;
}

/* Where slirp4netns and its port driver meet. The name is no longer than api.sock: it fits, too. */
static int plan_ports(struct launch *l, struct error *err)
{
	if (l->config->port_driver != PORT_SLIRP4NETNS)
		return 0;
	l->slirp_socket = str_format("%s/s4n.sock", l->state.path);
	l->net.port_socket = l->slirp_socket;
	return l->slirp_socket ? 0 : err_set(err, ENOMEM, "preparing the port driver");
}

static int start_ports(struct launch *l, struct error *err)
{
	const struct net_plan *plan = &l->net.plan;
	struct port_net net = port_net_at(plan->address, plan->ipv6 ? &plan->address6 : NULL);

	net.slirp_socket = l->slirp_socket;
	return ports_start(&l->ports, &l->ns, &net, err);
}

/* Last before "go", and whole: whoever sees it finds everything in place. */
static int write_child_pid(struct launch *l, struct error *err)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%d", l->child.pid);

	return statedir_write(&l->state, "child_pid", text, (size_t)n, 0444, err);
}

/* All that can be known, and made, before there is a child. */
static int prepare(struct launch *l, struct idmap *ret_map, struct error *err)
{
	const struct config *config = l->config;
	struct deadline deadline = deadline_in(IDMAP_MS);
	int rc = config_find_room(config, err);

	if (rc == 0)
		rc = idmap_prepare(config, &deadline, l->signals->cancel, ret_map, err);
	if (rc == 0 && !ret_map->single)
		l->hooks->ids_planned(idmap_count(&ret_map->uid), idmap_count(&ret_map->gid));
	if (rc == 0)
		rc = net_open(config, l->signals->cancel, &l->net, err);
	if (rc < 0)
		return rc;
	l->net_opened = true;
	rc = ports_open(config, l->signals->cancel, &l->ports, err);
	if (rc == 0 && config->evacuate_cgroup2)
		rc = cgroup2_open(config->evacuate_cgroup2, &l->cgroup, err);
	if (rc == 0)
		rc = statedir_open(config->state_dir, l->signals->cancel, &l->state, err);
	if (rc < 0)
		return rc;
	log_debug("state directory: %s", l->state.path);
	rc = plan_ports(l, err);
	if (rc == 0)
		rc = notify_open(l->state.path, &l->notify, err);
	if (rc == 0)
		rc = write_network_files(l, err);
	return rc;
}

/* While the child mounts. */
static int connect_network(struct launch *l, struct error *err)
{
	struct ns_holder holder = NS_HOLDER_NONE;
	struct ns_job job;
	int rc;

	if (net_set_up_job(&l->net, &job)) {
		holder = l->middle;
		l->middle = NS_HOLDER_NONE;
	}
	/* Else it has ended. */
	ns_holder_end(&l->middle);
	rc = net_start(&l->net, &l->ns, holder, err);
	if (rc == 0 && l->net.plan.configures_dns && !l->net.plan.detached)
		rc = etc_take(l, err);
	if (rc == 0)
		rc = handshake_follow(l->sock, HANDSHAKE_MOUNTED, "mounting", l->progress,
				      l->signals->cancel, NULL, err);
	if (rc < 0)
		return rc;
	log_debug("mounted");
	rc = net_wait_ready(&l->net, err);
	if (rc == 0)
		rc = start_ports(l, err);
	return rc;
}

/* The launcher's story, step by step. */
static int bring_up(struct launch *l, struct error *err)
{
	struct idmap map;
	int rc = prepare(l, &map, err);

	if (rc == 0)
		rc = start_middle(l, &map, err);
	if (rc == 0)
		rc = map_ids(l, &map, err);
	if (rc < 0)
		return rc;
	log_debug("ids mapped");
	rc = make_child(l, err);
	if (rc == 0)
		rc = say_mapped(l, err);
	if (rc < 0)
		return rc;
	log_debug("namespaces made, child %d", l->child.pid);
	rc = connect_network(l, err);
	if (rc == 0)
		rc = write_child_pid(l, err);
	if (rc < 0)
		return rc;
	rc = handshake_say(l->sock, HANDSHAKE_GO);
	if (rc < 0)
		return err_set(err, -rc, "telling the child to go");
	announce(l);
	/* They are the target's, and closed when that closes them. */
	fd_let_go_of_inherited();
	return 0;
}

static void take_down(struct launch *l)
{
	process_forget(&l->target);
	process_kill(&l->child);
	ns_holder_end(&l->middle);
	notify_close(l->notify);
	loop_clear(l);
	ports_stop(&l->ports);
	if (l->net_opened)
		net_kill(&l->net);
	serve_stop(l);
	fd_close(l->sock);
	fd_close(l->reports);
	progress_free(l->progress);
	free(l->slirp_socket);
	fd_close(l->target_ns.user);
	ns_set_close(&l->ns);
	if (l->net_opened)
		net_stop(&l->net);
	cgroup2_return(&l->cgroup);
	/* The link last: it leads the next launcher to what a kill in between leaves. */
	statedir_remove(&l->state);
	instance_withdraw(&l->link);
}

int launcher_run(const struct config *config, const struct signals *signals, bool activated,
		 const struct launch_hooks *hooks, int *ret_status, struct error *err)
{
	struct launch l = {
		.config = config,
		.signals = signals,
		.activated = activated,
		.hooks = hooks,
		.state = STATEDIR_NONE,
		.link = INSTANCE_LINK_NONE,
		.ports = PORTS_NONE,
		.cgroup = CGROUP2_NONE,
		.middle = NS_HOLDER_NONE,
		.child = PROCESS_NONE,
		.target = PROCESS_NONE,
		.ns = NS_SET_NONE,
		.target_ns = NS_SET_NONE,
		.sock = -1,
		.reports = -1,
		.etc_watch = -1,
		.etc = ETCFILES_NONE,
	};
	int rc = bring_up(&l, err);

	if (rc == 0)
		rc = loop_run(&l, err);
	if (rc == 0)
		*ret_status = l.status;
	take_down(&l);
	if (config->pidns)
		terminal_take_back();
	return rc;
}

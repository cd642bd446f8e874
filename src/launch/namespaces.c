/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The middle process is cloned into a new user namespace, and helper programs write its id maps.
 * That is the longest part of a short launch; meanwhile other stages do the work that needs no
 * child. The middle process clones the child (middle.c) as the launcher's own child. The launcher
 * opens the child's namespaces at once: that is not permitted any more after the child has executed
 * an unreadable file.
 */
#include "namespaces.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"
#include "fauxroot/proc/handshake.h"
#include "fauxroot/supervise/reap.h"
#include "fauxroot/supervise/reports.h"
#include "fauxroot/sys/message.h"
#include "fauxroot/proc/progress.h"
#include "launch.h"
#include "middle.h"

/* newuidmap needs a millisecond, but may query slow name services. */
#define IDMAP_MS 10000
#define NETNS_MS 5000
/* Includes the work of the middle process and of the kernel. */
#define CLONE_MS 10000

/* The flags for the second clone. The child makes the network namespace itself. */
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

/* Make the sockets for the middle process and the child, before they are cloned. */
static int make_sockets(struct launch *l, struct error *err)
{
	int with_child[2], with_middle[2], reports[2] = {-1, -1};
	int rc = message_pair(with_child);

	if (rc < 0)
		return err_set(err, -rc, "making a socket pair");
	l->cloned.sock = with_child[0];
	l->in_child.sock = with_child[1];
	rc = message_pair(with_middle);
	if (rc < 0)
		return err_set(err, -rc, "making a socket pair");
	l->cloned.middle.sock = with_middle[0];
	l->in_middle.sock = with_middle[1];
	if (l->config->pidns)
		rc = reports_open(reports);
	l->cloned.reported.sock = reports[0];
	l->in_child.reports = reports[1];
	return rc < 0 ? err_set(err, -rc, "making a socket pair") : 0;
}

/* Clone the middle process into its user namespace, where it waits for its id maps. */
static int clone_middle(struct launch *l, struct error *err)
{
	int rc;

	l->in_middle.is_holder = l->net.driver && net_set_up_job(&l->net, &l->in_middle.job);
	rc = ns_clone(CLONE_NEWUSER, &l->cloned.middle.process, err);
	if (rc == 0)
		middle_main(l, clone_flags(l));
	/* Open its namespace now: later stages use it, also if the process exits. */
	return rc < 0 ? rc
		      : ns_pin(l->cloned.middle.process.pid, CLONE_NEWUSER, &l->cloned.ns, err);
}

int namespaces_clone_middle(struct launch *l, struct error *err)
{
	int rc = become_subreaper(err);

	l->cloned.progress = progress_new();
	if (rc == 0 && !l->cloned.progress)
		rc = err_set(err, ENOMEM, "sharing memory with the child");
	if (rc == 0)
		rc = leftovers_open(&l->leftovers, l->config->kill_orphans, err);
	if (rc < 0)
		return rc;
	/* An executable with file capabilities makes us undumpable. Then newuidmap could not open
	 * the middle process's /proc files, and we could not open its namespace. */
	if (prctl(PR_SET_DUMPABLE, 1) < 0)
		return err_set(err, errno, "making the process dumpable");
	rc = make_sockets(l, err);
	if (rc == 0)
		rc = clone_middle(l, err);
	l->in_middle.sock = fd_close(l->in_middle.sock);
	l->in_child.sock = fd_close(l->in_child.sock);
	l->in_child.reports = fd_close(l->in_child.reports);
	return rc;
}

int namespaces_start_mappers(struct launch *l, struct error *err)
{
	return idmap_begin(&l->prepared.map, l->cloned.middle.process.pid, &l->cloned.mappers, err);
}

int namespaces_await_map(struct launch *l, struct error *err)
{
	struct deadline deadline = deadline_in(IDMAP_MS);
	int rc = idmap_finish(&l->cloned.mappers, &deadline, l->signals->cancel, err);

	if (rc == 0)
		log_debug("ids mapped");
	return rc;
}

static const char middle_words[] = "making the command's user namespace";

/* Receive the middle process's next message. @ret_fd: as in handshake_follow() */
static int follow_middle(struct launch *l, enum handshake_type type, int *ret_fd, struct error *err)
{
	struct deadline deadline = deadline_in(CLONE_MS);
	int rc = fd_wait(l->cloned.middle.sock, POLLIN, &deadline, l->signals->cancel);

	if (rc < 0)
		return err_set(err, -rc, "%s", middle_words);
	return handshake_follow(l->cloned.middle.sock, type, middle_words, l->cloned.progress,
				l->signals->cancel, ret_fd, err);
}

/* The middle process clones the child with the launcher as parent. */
int namespaces_take_child(struct launch *l, struct error *err)
{
	_cleanup_close_ int pidfd = -1;
	int rc = handshake_send(l->cloned.middle.sock, HANDSHAKE_MAPPED);

	/* If the middle process has exited, its error may be waiting: read it below. */
	if (rc < 0 && rc != -EPIPE)
		return err_set(err, -rc, "%s", middle_words);
	rc = follow_middle(l, HANDSHAKE_CHILD, &pidfd, err);
	if (rc < 0)
		return rc;
	rc = process_from_pidfd(pidfd, &l->cloned.child);
	if (rc < 0)
		return err_set(err, -rc, "finding the child's process");
	pidfd = -1;
	return 0;
}

/* After the clone, for the root of the child's cgroup namespace, and before helpers are started. */
int namespaces_evacuate(struct launch *l, struct error *err)
{
	return cgroup2_evacuate(&l->prepared.cgroup, l->cloned.child.pid, err);
}

/* Open the child's namespaces, when it has reported its network namespace. */
int namespaces_pin(struct launch *l, struct error *err)
{
	unsigned long flags = clone_flags(l);
	int middle = l->cloned.ns.user, rc = 0;

	if (config_owns_net(l->config)) {
		flags |= CLONE_NEWNET;
		rc = handshake_follow(l->cloned.sock, HANDSHAKE_NETWORK,
				      "making the network namespace", l->cloned.progress,
				      l->signals->cancel, NULL, err);
	}
	if (rc == 0)
		rc = ns_pin(l->cloned.child.pid, flags, &l->cloned.target_ns, err);
	if (rc < 0)
		return rc;
	l->cloned.ns = l->cloned.target_ns;
	l->cloned.ns.user = middle;
	return 0;
}

/* Make a network namespace that the child is not in. The child's user namespace owns it. From now
 * on it is the network namespace in l->cloned.ns. */
int namespaces_detach_net(struct launch *l, struct error *err)
{
	struct deadline deadline = deadline_in(NETNS_MS);

	return ns_make_net(&l->cloned.target_ns, &l->cloned.ns.net, &deadline, l->signals->cancel,
			   err);
}

int namespaces_await_child_map(struct launch *l, struct error *err)
{
	return follow_middle(l, HANDSHAKE_MAPPED, NULL, err);
}

int namespaces_let_mount(struct launch *l, struct error *err)
{
	int rc = handshake_send_fd(l->cloned.sock, HANDSHAKE_MAPPED,
				   config_detaches_net(l->config) ? l->cloned.ns.net : -1);

	if (rc < 0)
		return err_set(err, -rc, "reporting the id maps to the child");
	log_debug("namespaces made, child %d", l->cloned.child.pid);
	return 0;
}

void namespaces_undo(struct launch *l)
{
	l->cloned.sock = fd_close(l->cloned.sock);
	l->cloned.reported.sock = fd_close(l->cloned.reported.sock);
	progress_free(TAKE_PTR(l->cloned.progress));
	l->cloned.target_ns.user = fd_close(l->cloned.target_ns.user);
	ns_set_close(&l->cloned.ns);
	l->cloned.target_ns = NS_SET_NONE;
}

void namespaces_undo_mappers(struct launch *l)
{
	idmap_abandon(&l->cloned.mappers);
}

void namespaces_end_processes(struct launch *l)
{
	process_forget(&l->cloned.reported.target);
	process_kill(&l->cloned.child);
	ns_holder_end(&l->cloned.middle);
}

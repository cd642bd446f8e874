/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the trials: trial.c is the launcher's side, trial_middle.c makes the user namespaces,
 * trial_child.c is the throw-away child. */
#pragma once

#include "fauxroot/base/log.h"
#include "fauxroot/base/spawn.h"
#include "fauxroot/check/preflight.h"
#include "fauxroot/net/net.h"
#include "fauxroot/sys/ns.h"

/* Every wait of a trial ends. */
#define TRIAL_MS 10000

/* The trials at work. */
struct trials {
	const struct config *config;
	struct outcomes *to;
	int cancel_fd;
	struct net net;
	bool net_opened;
	char *statedir;
	struct ns_holder middle; /* of the same form as a launch's; it holds nothing */
	struct process child;
	struct ns_set ns;	 /* the middle user namespace, and the child's others */
	struct ns_set target_ns; /* the child's user namespace; the others are @ns's descriptors */
	int sock;
};

/* One trial's outcome on its way from the child, over a SOCK_SEQPACKET pair. */
struct trial_report {
	enum trial trial; /* TRIAL_COUNT_: no more until the launcher says a word */
	struct outcome outcome;
};

struct idmap;

struct trial_plan {
	const struct config *config;
	int sock;	      /* the child's end */
	int peer_sock;	      /* the launcher's end, which the middle process closes */
	bool own_netns;	      /* the child got a network namespace */
	const char *statedir; /* a directory that must not be copied up itself */
};

/*
 * trial_child() - in the cloned child: wait for the maps, become root, try the mounts of a launch,
 * then, in a copy of the mount namespace, the file systems that daemons use
 *
 * Sends a trial_report each; ends at the first that would end a launch, since those after it would
 * only fail for the same reason.
 */
_noreturn_ void trial_child(const struct trial_plan *plan);

/*
 * trial_clone_middle() - the first clone: @t->middle waits for its maps, @t->ns has its namespace
 * @map: the maps that it will get
 * @flags: CLONE_NEW… of the child
 *
 * Returns 0 or -errno at step STEP_CLONE, or STEP_NONE where it is no fault of namespaces.
 */
int trial_clone_middle(struct trials *t, const struct trial_plan *plan, const struct idmap *map,
		       unsigned long flags, struct error *err);

/* trial_clone_child() - the second, once the middle process has its maps: @t->child; 0 or -errno */
int trial_clone_child(struct trials *t, struct error *err);

/* trial_wants_storage() - will the command want to mount overlayfs or a FUSE file system? */
bool trial_wants_storage(const struct config *config);

/*
 * trial_exec() - would the command be executed? It is not run.
 *
 * For a process that may wait for ever on a file system that hangs. Returns 0, also where that
 * cannot be seen, or -errno at step STEP_EXEC.
 */
int trial_exec(char **command, struct error *err);

/* trial_begin() - the outcome to fill; what is logged from now on is noted there */
struct outcome *trial_begin(const struct trials *t, enum trial trial);

/* trial_end() - note in @outcome how a trial ended; returns @rc */
int trial_end(struct outcome *outcome, int rc, const struct error *err);

/*
 * trial_port_driver() - start the port driver in the child's namespaces and publish each port
 * @plan: of the network, which is up
 *
 * Leaves out what only works with a state directory. Returns 0 or what the driver's start gave.
 */
int trial_port_driver(const struct config *config, int cancel_fd, const struct ns_set *ns,
		      const struct net_plan *plan, struct outcomes *to);

/* trial_open_network() - look for the network's helper, as a launch begins */
void trial_open_network(struct trials *t);

/*
 * trial_network() - start the network on the child and wait until it is ready, then the ports
 *
 * While the child mounts. Returns 0 or -errno, of which only -ECANCELED ends the trials.
 */
int trial_network(struct trials *t);

/* trial_settle_network() - its helper's version; and where it was not started, would that do? */
void trial_settle_network(struct trials *t);

/* trial_kernel_config() - read /proc/config.gz, where the clone or the TAP device has failed */
void trial_kernel_config(struct trials *t);

/* trial_docker_version() - where the command is dockerd: @t->to->docker */
void trial_docker_version(struct trials *t);

/* trial_listen() - listen for a moment on each port that has not been tried yet */
void trial_listen(const struct config *config, struct outcomes *to);

/* trial_note() - a log_redirect() sink: the outcome at @arg notes the last warning; what is no
 * warning is logged */
void trial_note(void *arg, enum log_level level, const char *message);

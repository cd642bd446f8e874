/* SPDX-License-Identifier: Apache-2.0 */
/* The state of a launch, in parts. Each part belongs to one file, named in the comment above it.
 * That file fills and clears the part. */
#pragma once

#include <event2/event.h>
#include <stdbool.h>

#include "fauxroot/api/namespaces.h"
#include "fauxroot/api/ports.h"
#include "fauxroot/api/server.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/spawn.h"
#include "fauxroot/config/config.h"
#include "fauxroot/idmap/idmap.h"
#include "fauxroot/launch/rehearse.h"
#include "fauxroot/mounts/etcfollow.h"
#include "fauxroot/names/names.h"
#include "fauxroot/net/net.h"
#include "fauxroot/port/port.h"
#include "fauxroot/proc/children.h"
#include "fauxroot/proc/kept.h"
#include "fauxroot/state/instances.h"
#include "fauxroot/state/statedir.h"
#include "fauxroot/supervise/cgroup2.h"
#include "fauxroot/supervise/leftovers.h"
#include "fauxroot/supervise/reported.h"
#include "fauxroot/supervise/signals.h"
#include "fauxroot/switch/accel.h"
#include "fauxroot/sys/ns.h"

struct stage;

/* launcher.c: the launcher's process, in its own user namespace. */
struct launch_self {
	pid_t pid; /* for LISTEN_PID */
	uid_t euid;
	gid_t egid;
	bool activated; /* LISTEN_FDS are for the launcher, and so for the target */
};

/* prepare.c: the objects that are made before the first clone. */
struct prepared {
	struct idmap map;
	struct statedir state;
	char *wanted_state; /* in a rehearsal: the launch's state directory, if usable */
	struct instance_link link;
	struct cgroup2 cgroup;
	struct notify *notify; /* NULL: no service manager */
};

/* namespaces.c: the middle process, the child, and their namespaces. */
struct cloned {
	struct idmap_writers mappers;
	struct ns_holder middle; /* the middle process, until net_start() */
	struct process child;
	struct ns_set ns; /* the middle user namespace; the child's network, detached or not; the
			     child's other namespaces */
	struct ns_set target_ns;   /* the target's namespaces: owns .user; the other descriptors are
				      the same as in @ns */
	struct progress *progress; /* the child's current step, until it executes a program */
	int sock;		   /* the handshake with the child */
	struct reported reported;  /* with --pidns, what init has reported */
};

/* middle.c: used only by the middle process. */
struct in_middle {
	int sock;		   /* its end of the handshake */
	unsigned long child_flags; /* CLONE_NEW… of the child */
	struct process child;
	struct ns_job job; /* its job as the first holder */
	bool is_holder;	   /* false: it exits when the child is mapped */
};

/* child.c: used only by the child. */
struct in_child {
	int sock;    /* its end of the handshake */
	int reports; /* with --pidns, init's end of the reports; else -1 */
	int netns;   /* the detached network namespace, to be bound; else -1 */
	int self;    /* with --pidns, our own executable; else -1 */
	struct etcfiles files;
	bool etc_copied; /* --copy-up has replaced /etc by a copy */
	struct accel_kit accel;
};

/* netaccel.c: --net-accel. */
struct accelerated {
	struct accel_kit kit;  /* from the child, until accel_start() */
	struct accel *running; /* NULL: no --net-accel */
};

/* serve.c: the servers for clients. */
struct serve {
	struct event_base *base;
	struct api_server *api;
	struct ns_server *ns_server;
};

/* events.c: the events for clients. */
struct events {
	struct kept_observer observer;
	bool network_down; /* the network's helper has died and is not restarted yet */
};

/* loop.c: the supervision of the target. */
struct loop {
	struct event *on_handshake, *on_signal, *on_timeout, *on_report, *on_log, *on_more;
	bool init_runs;	      /* with --pidns: HANDSHAKE_INIT was received */
	bool init_stopped;    /* by another process: SIGCONT to us continues init, too */
	int status;	      /* the target's exit status, when it has exited */
	bool ending;	      /* something vital has failed: the target is being terminated */
	bool killed;	      /* SIGKILL was sent */
	struct error failure; /* the reason for .ending */
};

/* naming.c: the name service. */
struct naming {
	struct names *names;			   /* NULL: there is none */
	union endpoint servers[NAMES_SERVERS_MAX]; /* of the host's resolv.conf */
	size_t n_servers;
};

struct launch {
	/* launcher.c: from the caller. */
	const struct config *config;
	const struct signals *signals;
	const struct launch_hooks *hooks;

	/* launcher.c: how the stages are walked. */
	const struct stage *stages;
	struct rehearsal *rehearsal; /* NULL: a launch */

	struct launch_self launcher;
	struct children children; /* our own child processes */
	struct prepared prepared;
	struct cloned cloned;
	struct in_middle in_middle;
	struct in_child in_child;

	/* connect.c: planned by prepare.c. */
	struct net net;		 /* .driver is NULL: there is none */
	struct ports ports;	 /* published ports */
	struct ports host_ports; /* services of the host; .driver is NULL: not possible */
	struct accelerated accel;
	struct naming naming;

	struct serve serve;
	struct events events;
	struct loop loop;
	struct etcfollow etc;
	struct leftovers leftovers;
};

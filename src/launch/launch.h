/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of a launch, shared by the launcher's files: launcher.c starts and stops everything,
 * serve.c answers clients, loop.c runs the event loop.
 */
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
#include "fauxroot/mounts/etcfiles.h"
#include "fauxroot/mounts/etclook.h"
#include "fauxroot/mounts/etcwatch.h"
#include "fauxroot/names/names.h"
#include "fauxroot/net/net.h"
#include "fauxroot/port/port.h"
#include "fauxroot/proc/children.h"
#include "fauxroot/proc/kept.h"
#include "fauxroot/state/instances.h"
#include "fauxroot/state/statedir.h"
#include "fauxroot/supervise/cgroup2.h"
#include "fauxroot/supervise/signals.h"
#include "fauxroot/switch/accel.h"
#include "fauxroot/sys/ns.h"

struct stage;
struct strv;

/* Used only by the middle process. */
struct in_middle {
	int sock;		   /* its end of the handshake */
	unsigned long child_flags; /* CLONE_NEW… of the child */
	struct process child;
	struct ns_job job; /* its job as the first holder */
	bool is_holder;	   /* false: it exits when the child is mapped */
};

/* Used only by the child. */
struct in_child {
	int sock;    /* its end of the handshake */
	int reports; /* with --pidns, init's end of the reports; else -1 */
	int netns;   /* the detached network namespace, to be bound; else -1 */
	int self;    /* with --pidns, our own executable; else -1 */
	struct etcfiles files;
	bool etc_copied; /* --copy-up has replaced /etc by a copy */
	struct accel_kit accel;
};

/* serve.c: the servers for clients. */
struct serve {
	struct event_base *base;
	struct api_server *api;
	struct ns_server *ns_server;
	bool network_down; /* the network's helper has died and is not restarted yet */
};

/* loop.c: the supervision of the target. */
struct loop {
	struct event *on_handshake, *on_signal, *on_timeout, *on_report, *on_log, *on_more;
	bool init_runs;	       /* with --pidns: HANDSHAKE_INIT was received */
	bool init_stopped;     /* by another process: SIGCONT to us continues init, too */
	struct process target; /* with --pidns, after init's report; else none, l->child is it */
	int status;	       /* the target's exit status, when it has exited */
	bool target_reported;  /* init has reported the target's exit status */
	bool ending;	       /* something vital has failed: the target is being terminated */
	bool killed;	       /* SIGKILL was sent */
	struct error failure;  /* the reason for .ending */
};

/* etc.c: the child's resolv.conf and hosts, which follow the host's. @files: our mounts on files of
 * the host's /etc; empty if /etc is a copy. */
struct etc {
	struct etcfiles files;
	struct etcwatch watch;
	struct etclook look; /* running; or ETCLOOK_NONE */
	bool looked;	     /* the first look of the event loop is over, or late */
	bool late;	     /* the look waits for a file system */
	bool again;	     /* something has changed since it began */
	struct event *on_change, *on_due, *on_renew, *on_late;
	int64_t changed_ms; /* the first change that is not followed yet; 0: none */
	bool renewed;	    /* this round has changed something for the command */
	struct etccopy copies[ETCFILE_COUNT_];
};

/* names.c: the name service. */
struct naming {
	struct names *names;			   /* NULL: there is none */
	union endpoint servers[NAMES_SERVERS_MAX]; /* of the host's resolv.conf */
	size_t n_servers;
};

/* leftovers.c: --kill-orphans. */
struct leftovers {
	struct event *on_due;
	pid_t *strangers; /* children from before the launch */
	size_t n_strangers;
	enum { LEFTOVERS_NONE = 0, LEFTOVERS_TERMINATED, LEFTOVERS_KILLED } state;
};

/* One file fills and clears each of the structs above. The launcher's stages own the other fields.
 */
struct launch {
	const struct config *config;
	const struct signals *signals;
	bool activated; /* LISTEN_FDS are for the launcher, and so for the target */
	const struct launch_hooks *hooks;
	const struct stage *stages;
	struct rehearsal *rehearsal; /* NULL: a launch */
	pid_t launcher;		     /* for LISTEN_PID */
	uid_t euid;		     /* the launcher's effective ids, in its own user namespace */
	gid_t egid;
	struct in_middle in_middle;
	struct in_child in_child;

	struct idmap map;
	struct idmap_writers mappers;
	struct statedir state;
	char *wanted_state; /* in a rehearsal: the launch's state directory, if usable */
	struct instance_link link;
	struct net net;
	bool net_opened;
	struct ports ports;
	struct accel_kit accel_kit; /* from the child, until accel_start() */
	struct accel *accel;	    /* NULL: no --net-accel */
	struct notify *notify;	    /* NULL: no service manager */
	struct ports host_ports;    /* services of the host; .driver is NULL: not possible */
	struct cgroup2 cgroup;
	struct ns_holder middle; /* the middle process, until net_start() */
	struct process child;
	struct ns_set ns; /* the middle user namespace; the child's network, detached or not; the
			     child's other namespaces */
	struct ns_set target_ns;   /* the target's namespaces: owns .user; the other descriptors
				      are those of @ns */
	struct progress *progress; /* the child's current step, until it executes a program */
	int sock;		   /* the handshake with the child */
	int reports;		   /* with --pidns, the reports from init; else -1 */

	struct children children; /* our own child processes */
	struct kept_observer observer;
	struct serve serve;
	struct loop loop;
	struct etc etc;
	struct naming naming;
	struct leftovers leftovers;
};

/* serve_start() - make the event loop and the servers at api.sock and ns.sock; 0 or -errno at
 * STEP_API */
int serve_start(struct launch *l, struct error *err);

/* serve_stop() - close the servers and free the event loop; also after a failed serve_start() */
void serve_stop(struct launch *l);

/*
 * events_observe() - report what happens to our processes to the clients of the API
 * events_published(), events_removed() - a port was published, or is removed
 * events_host_port() - a service of the host was added, or is removed
 * events_network() - the network has gone down, or is up again
 * events_names_changed() - the name servers or host names of the command's network have changed
 * @dns: addresses of the servers that answer from now on; NULL: not known
 * events_exit() - the instance ends with loop_run()'s result: @rc, and @err if it is -errno
 */
void events_observe(struct launch *l);
void events_published(struct launch *l, const struct port *port);
void events_removed(struct launch *l, const struct port *port);
void events_host_port(struct launch *l, const struct port *port, bool added);
void events_network(struct launch *l, bool up);
void events_names_changed(struct launch *l, const struct strv *dns);
void events_exit(struct launch *l, int rc, const struct error *err);

/* serve_port() - describe @port of the table @ports for clients of the API */
struct api_port serve_port(const struct ports *ports, const struct port *port);

/*
 * loop_run() - run the event loop until the target exits
 *
 * Returns 0 with @l->loop.status; -errno if something vital failed, and the target was terminated
 * for that, or if the loop cannot be set up.
 */
int loop_run(struct launch *l, struct error *err);

/*
 * etc_send() - in the child, before HANDSHAKE_MOUNTED: send the descriptors for the mounts in /etc
 * @files: from etcfiles_bind_child(); the caller keeps them
 *
 * Returns 0 or -errno.
 */
int etc_send(int sock, const struct etcfiles *files);

/* etc_receive() - in the launcher: receive them into @l->etc.files; 0 or an error of
 * handshake_follow() */
int etc_receive(struct launch *l, struct error *err);

/* etc_write() - write the child's resolv.conf and hosts to the state directory; 0 or -errno at
 * STEP_MOUNT */
int etc_write(struct launch *l, struct error *err);

/*
 * etc_watch() - in the event loop: when the host's files change, write the child's anew, and tell
 * the name service; if our files are mounted on files of the host's /etc, repeat the mount when the
 * host replaces one
 *
 * Returns 0 or -ENOMEM.
 */
int etc_watch(struct launch *l, struct error *err);

/* etc_clear() - free the events and close the files; call it before the event base is freed */
void etc_clear(struct launch *l);

/* naming_wanted() - do the options want our name service? */
bool naming_wanted(const struct launch *l);

/* naming_start() - make the sockets of the name service in the child's network, and give it the
 * host's name servers; 0 or -errno */
int naming_start(struct launch *l, struct error *err);

/* naming_learn() - before naming_start(): the host's resolv.conf contains @text of @size bytes;
 * NULL: it cannot be read */
void naming_learn(struct launch *l, const char *text, size_t size);

/* naming_renew() - the host's resolv.conf contains @text of @size bytes now; NULL: it cannot be
 * read. Returns true if the servers have changed */
bool naming_renew(struct launch *l, const char *text, size_t size);

/* naming_servers() - append the addresses of the host's name servers to @ret, without ports; 0 or
 * -ENOMEM */
int naming_servers(const struct naming *naming, struct strv *ret);

/*
 * naming_supervise() - serve names in the event loop
 * @events: called with @l; must exist as long as the loop
 *
 * Returns 0 or -ENOMEM.
 */
int naming_supervise(struct launch *l, const struct names_events *events, struct error *err);

/* naming_stop() - stop the name service; also if it never started */
void naming_stop(struct launch *l);

/* loop_clear() - free the loop's events; call it before the event base is freed */
void loop_clear(struct launch *l);

/* leftovers_note_strangers() - for --kill-orphans, before the clone: record the children that exist
 * already; they are not the target's and are not signalled. 0 or -errno */
int leftovers_note_strangers(struct launch *l, struct error *err);

/* leftovers_prepare() - for --kill-orphans, before the loop runs; 0 or -ENOMEM */
int leftovers_prepare(struct launch *l, struct error *err);

/*
 * leftovers_check() - call it when the target, or later any other child, has been reaped
 *
 * With --kill-orphans it terminates the leftover processes, if there are any. Otherwise it ends the
 * event loop.
 */
void leftovers_check(struct launch *l);

/* leftovers_on_signal() - the signal @sig came after the target's exit: if it is a terminating one,
 * kill the leftover processes at once */
void leftovers_on_signal(struct launch *l, int sig);

/* leftovers_clear() - free the event; call it before the event base is freed */
void leftovers_clear(struct launch *l);

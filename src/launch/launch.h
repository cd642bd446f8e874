/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the launcher's parts share: launcher.c brings it all up, serve.c answers clients, loop.c
 * lives with it.
 */
#pragma once

#include <event2/event.h>
#include <stdbool.h>

#include "fauxroot/api/namespaces.h"
#include "fauxroot/api/server.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/spawn.h"
#include "fauxroot/config/config.h"
#include "fauxroot/idmap/idmap.h"
#include "fauxroot/launch/rehearse.h"
#include "fauxroot/mounts/etcfiles.h"
#include "fauxroot/net/net.h"
#include "fauxroot/port/port.h"
#include "fauxroot/proc/children.h"
#include "fauxroot/state/instances.h"
#include "fauxroot/state/statedir.h"
#include "fauxroot/supervise/cgroup2.h"
#include "fauxroot/supervise/signals.h"
#include "fauxroot/sys/ns.h"

struct stage;

/* Of the middle process alone. */
struct in_middle {
	int sock;		   /* its end of the handshake */
	unsigned long child_flags; /* CLONE_NEW… of the child */
	struct process child;
	struct ns_job hold; /* what it does as the first holder */
	bool holds;	    /* else it ends instead */
};

/* Of the child alone. */
struct in_child {
	int sock;    /* its end of the handshake */
	int reports; /* with --pidns, init's end of them; else -1 */
	int netns;   /* a detached network namespace, to be bound; else -1 */
	int self;    /* with --pidns, our own executable; else -1 */
	struct etcfiles files;
	bool etc_copied; /* --copy-up has made /etc private */
};

/* serve.c: what answers clients. */
struct serve {
	struct event_base *base;
	struct api_server *api;
	struct ns_server *ns_server;
};

/* loop.c: the target's life. */
struct loop {
	struct event *on_handshake, *on_signal, *on_patience, *on_report, *on_log;
	bool init_is_there;    /* with --pidns: HANDSHAKE_INIT has come */
	bool init_stopped;     /* by somebody: SIGCONT to us is for it, too */
	struct process target; /* with --pidns, which init has reported; else the child is it */
	int status;	       /* of the target, once it has ended */
	bool target_reported;  /* init has reported the end */
	bool ending;	       /* something vital has failed: the target is being ended */
	bool killed;	       /* and was sent SIGKILL */
	struct error failure;  /* why */
};

/* etc.c: what is mounted on files of the host's /etc; nothing in a copy. */
struct etc {
	struct etcfiles files;
	int watch;
	struct event *on_change, *on_due;
};

/* leftovers.c: --kill-orphans. */
struct leftovers {
	struct event *on_due;
	pid_t *strangers; /* children from before our time */
	size_t n_strangers;
	enum { LEFTOVERS_NONE = 0, LEFTOVERS_ASKED, LEFTOVERS_KILLED } state;
};

/* Each part has the file that fills and clears it; the rest is of the stages of the launcher. */
struct launch {
	const struct config *config;
	const struct signals *signals;
	bool activated; /* LISTEN_FDS are for the launcher, and so for the target */
	const struct launch_hooks *hooks;
	const struct stage *stages;
	struct rehearsal *rehearsal; /* NULL: it is a launch */
	pid_t launcher;		     /* as the caller's variables name it */
	uid_t euid;		     /* the launcher's effective ids, in its own user namespace */
	gid_t egid;
	struct in_middle in_middle;
	struct in_child in_child;

	struct idmap map;
	struct idmap_writers mappers;
	struct statedir state;
	char *wanted_state; /* in a rehearsal: the launch's state directory, if it is well */
	struct instance_link link;
	struct net net;
	bool net_opened;
	struct ports ports;
	struct notify *notify; /* NULL where no service manager listens */
	struct cgroup2 cgroup;
	struct ns_holder middle; /* until the network has taken it over, or it has ended */
	struct process child;
	struct ns_set ns; /* the middle user namespace; the network that we set up, though it be
			     detached; the child's others */
	struct ns_set target_ns;   /* those that the target is born into: its user namespace; the
				      others are @ns's descriptors */
	struct progress *progress; /* of the child, until it executes something */
	int sock;		   /* the handshake with the child */
	int reports;		   /* init's, with --pidns; else -1 */

	struct children children; /* ours, from the launch's begin to its end */
	struct serve serve;
	struct loop loop;
	struct etc etc;
	struct leftovers leftovers;
};

/* serve_start() - make the event loop, and api.sock and ns.sock in it; 0 or -errno at STEP_API */
int serve_start(struct launch *l, struct error *err);

/* serve_stop() - close both, and free the loop; accepts what serve_start() left half-made */
void serve_stop(struct launch *l);

/*
 * loop_run() - live until the target ends
 *
 * Returns 0 with @l->loop.status; -errno where the target was ended because something vital failed,
 * or where the loop itself could not be set up.
 */
int loop_run(struct launch *l, struct error *err);

/*
 * etc_hand() - the child's word, before HANDSHAKE_MOUNTED, of what it has mounted on files of /etc
 * @files: as etcfiles_bind_child() has left them; they stay the caller's
 *
 * Returns 0 or -errno.
 */
int etc_hand(int sock, const struct etcfiles *files);

/* etc_take() - the launcher's side of that, into @l->etc.files; 0 or -errno as handshake_take() */
int etc_take(struct launch *l, struct error *err);

/*
 * etc_watch() - where something is mounted on files of the host's /etc: see in the event loop that
 * the host replaces one, and mount ours again
 *
 * Returns 0 or -ENOMEM.
 */
int etc_watch(struct launch *l, struct error *err);

/* etc_clear() - free the events of that, and close the files; before the event base goes */
void etc_clear(struct launch *l);

/* loop_clear() - free the loop's events; before the event base goes */
void loop_clear(struct launch *l);

/* leftovers_note_strangers() - for --kill-orphans, before the clone: what children we have already
 * are not the target's, and are left alone. 0 or -errno */
int leftovers_note_strangers(struct launch *l, struct error *err);

/* leftovers_prepare() - for --kill-orphans, before the loop runs; 0 or -ENOMEM */
int leftovers_prepare(struct launch *l, struct error *err);

/*
 * leftovers_look() - the target, or after it some other child, has ended and been reaped
 *
 * Ends the loop unless --kill-orphans is given and something is left: that is told to end, then.
 */
void leftovers_look(struct launch *l);

/* leftovers_hurry() - the signal @sig came after the target's end: a terminating one kills what is
 * left at once */
void leftovers_hurry(struct launch *l, int sig);

/* leftovers_clear() - free its event; before the event base goes */
void leftovers_clear(struct launch *l);

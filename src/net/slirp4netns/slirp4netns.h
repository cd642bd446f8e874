/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the slirp4netns driver: driver.c answers net/'s questions, process.c makes one run of the
 * program, supervise.c keeps it running, health.c sees whether it hangs, preload.c keeps it off
 * the host's loopback, output.c reads what it prints.
 */
#pragma once

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>

#include "fauxroot/base/spawn.h"
#include "fauxroot/net/net.h"
#include "fauxroot/proc/kept.h"
#include "fauxroot/sys/netlink.h"

#define SLIRP_READY_MS 10000

struct slirp_version {
	uint32_t major, minor, patch;
	uint32_t libslirp_major, libslirp_minor, libslirp_patch; /* all 0: not told */
};

/* What protects the host from a libslirp that a packet has taken over. */
struct slirp_shields {
	bool sandbox; /* --enable-sandbox: an empty root directory, no capabilities */
	bool seccomp; /* --enable-seccomp */
};

enum slirp_state {
	SLIRP_DOWN = 0,
	SLIRP_STARTING, /* executed; has not said that it is ready */
	SLIRP_UP,
};

/* Is it looked at every SLIRP_LOOK_MS, and has it been silent for so many looks: hung. */
#define SLIRP_LOOK_MS	 10000
#define SLIRP_SILENT_MAX 3

struct slirp_health {
	/* Sockets of the child's network namespace; -1: not made yet. */
	int frames;
	struct netlink counter;
	int ifindex;
	bool given_up;	 /* they cannot be made */
	bool probed;	 /* a frame was there for it to take at the last look */
	uint64_t taken;	 /* the device's counter then */
	unsigned silent; /* looks at which it had taken none */
};

#define SLIRP_HEALTH_NONE ((struct slirp_health){.frames = -1, .counter = NETLINK_NONE})

struct slirp {
	struct net *net;
	struct cidr cidr;
	struct slirp_shields shields;
	int preload; /* what shuts it off from the host's loopback; -1: none */

	enum slirp_state state;
	struct helper helper;
	int ready;	/* read end; while starting */
	int exit;	/* write end: its closing ends slirp4netns */
	bool preloaded; /* this run calls @preload */
	int64_t down_since_ms;

	/* In the event loop. */
	bool supervised;
	struct event on_output, on_ready, on_timer, on_look;
	struct kept kept;
	struct slirp_health health;
	char reason[256]; /* why we have killed it ourselves; else empty */
};

/*
 * slirp_version_parse() - the output of slirp4netns --version
 *
 * Returns 0, or -EINVAL where it is no such thing, with @ret untouched. What follows the numbers
 * ("-beta.1+dev") is passed over, and so are lines that we don't know.
 */
int slirp_version_parse(const char *text, struct slirp_version *ret);

/* slirp_version_sufficient() - has it all the options that we use? (0.4.0) */
bool slirp_version_sufficient(const struct slirp_version *version);

/*
 * slirp_complaint() - of all that slirp4netns has printed, the lines that complain
 *
 * Joined with "; ", printable, "" where there is none. Always terminated.
 */
void slirp_complaint(const char *text, char *ret, size_t size);

/*
 * slirp_preload_open() - the object that keeps slirp4netns off the host's loopback, into
 * @s->preload; 0 or -errno
 */
int slirp_preload_open(struct slirp *s);

/*
 * slirp_preload_env() - what makes a run load it, if there is one
 * @ready: the descriptor of --ready-fd: PRELOAD_WORD comes there when it works
 * @env: appended to, for helper_spec.env
 *
 * Returns 0 or -ENOMEM.
 */
int slirp_preload_env(const struct slirp *s, int ready, struct strv *env);

/* The job of a holder: the TAP device with its addresses and routes, unless it is there. */
extern const struct ns_job slirp_set_up;

/*
 * slirp_run() - set up the link unless it is there, and execute slirp4netns on it
 *
 * Leaves SLIRP_STARTING, or SLIRP_DOWN with nothing running. Returns 0 or -errno.
 */
int slirp_run(struct slirp *s, struct error *err);

/*
 * slirp_take_ready() - read the ready descriptor
 *
 * Returns 1 ready, 0 it is closed (dying), -EAGAIN. Notes in @s->preloaded what the object says
 * there.
 */
int slirp_take_ready(struct slirp *s);

/* slirp_is_up() - it is ready: end the holder, and warn of what it lacks; SLIRP_UP */
void slirp_is_up(struct slirp *s);

/* slirp_is_down() - it is dead and reaped: release what belonged to that run; SLIRP_DOWN */
void slirp_is_down(struct slirp *s);

/* slirp_death_reason() - "signal 9 (Killed)", "exit status 1: COMPLAINT" */
void slirp_death_reason(struct slirp *s, int status, char *ret, size_t size);

/*
 * slirp_health_note() - what one look has shown
 * @probed: there is a frame to take from now on
 * @taken: frames taken so far
 *
 * Returns true where it hangs: SLIRP_SILENT_MAX looks in a row have found that none of the frames
 * before them was taken.
 */
bool slirp_health_note(struct slirp_health *health, bool probed, uint64_t taken);

/* slirp_is_hung() - one look at a running slirp4netns; see health.c */
bool slirp_is_hung(struct slirp *s);

/* slirp_health_clear() - close, forget; accepts SLIRP_HEALTH_NONE */
void slirp_health_clear(struct slirp_health *health);

/* The driver's part in the event loop. */
void slirp_supervise(struct net *net);
bool slirp_child_ended(struct net *net, pid_t pid, int status);
void slirp_kill(struct net *net);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process of fauxroot that is kept alive: one policy for when it is restarted, and when it is
 * given up. The table of our children (children.h) reports when it exits or stops.
 *
 * The policy distinguishes four cases:
 *
 * - It dies. After the first death it is restarted at once; after each further death within ten
 *   seconds, with a longer delay. After the fifth death within ten seconds it is given up. A
 *   persistent process is restarted every five seconds instead, until it lives for ten seconds.
 * - It cannot be started, because of a shortage that is not its fault (the process limit, no
 *   descriptors, no memory, a machine so busy that a deadline is missed). This is no death. The
 *   start is retried for a minute, or without end if it is persistent, first after a tenth of a
 *   second and then with longer delays.
 * - It is stopped. The first time it is continued: after a stop of all processes (a suspended
 *   container, `kill -STOP`), we may be continued before it. If it stops again within ten seconds,
 *   it is replaced.
 * - It exits right after the death of another kept process that it depends on. This is no death of
 *   its own, and it is restarted together with the other process.
 *
 * The owner knows how to start it, and owns all other objects that belong to it.
 */
#pragma once

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/spawn.h"

struct children;
struct event_base;

#define KEPT_DEATHS    5
#define KEPT_WINDOW_MS 10000

/* During a shortage: the first delay between two retries, the longest, and the time after which the
 * process is given up. */
#define KEPT_STEP_MS	 100
#define KEPT_STEP_MAX_MS 5000
#define KEPT_PATIENCE_MS 60000

/* The longest time from the moment when a dying leader closes its sockets to the moment when it is
 * dead: on a busy machine it may have to wait for a CPU in between. */
#define KEPT_FOLLOW_MS 2000

/* The size of the buffer for the reason of a death. */
#define KEPT_WHY_MAX 512

struct kept_ops {
	const char *name;     /* for messages: "the port forwarder" */
	enum error_step step; /* of errors that report that it is given up */

	/* It is given up after @deaths deaths, 2 to KEPT_DEATHS, in @window_ms milliseconds. 0:
	 * KEPT_DEATHS and KEPT_WINDOW_MS. */
	unsigned deaths;
	int window_ms;

	/* Never give it up. For a process that the hostile target can kill, that waits for a change
	 * on the host, or that the command does not always need. */
	bool persistent;

	/*
	 * Start the process. Called from the event loop, so it must not wait long. It calls
	 * kept_watch() for the new process. Returns 0, or -errno with nothing left running.
	 */
	int (*start)(void *arg, struct error *err);

	/*
	 * The process has exited with @status and is reaped: release its resources. @why is the
	 * reason for the log, "signal 9 (Killed)"; the callback may replace it. May be NULL.
	 */
	void (*ended)(void *arg, int status, char *why, size_t size);

	/* The process is given up. Called once, as the last callback. A persistent process is given
	 * up only if the timer cannot be set. */
	void (*lost)(void *arg, const struct error *err);
};

/* Callbacks about all kept processes of a table of children. */
struct kept_observer {
	/* A process has died. It will be restarted or is given up. @name: kept_ops.name; @why: as
	 * for ended() */
	void (*died)(void *arg, const char *name, const char *why);

	/* It was restarted. */
	void (*restarted)(void *arg, const char *name);
	void *arg;
};

enum kept_state {
	KEPT_STARTED = 0, /* it runs, as far as is known */
	KEPT_WAITING,	  /* it does not run; the timer will start it */
	KEPT_LOST,
};

struct kept {
	const struct kept_ops *ops;
	void *arg;
	int64_t (*now_ms)(void); /* clock_ms(), or the clock of a test */
	struct event timer;
	struct children *children;    /* NULL: not supervised yet */
	struct process *process;      /* the owner's; NULL: none was watched yet */
	const struct process *leader; /* the process that it follows; NULL: none */
	bool stopped_again;	      /* it was killed because it stopped again */
	bool supervised;
	bool is_down; /* its death was reported to the observer */
	enum kept_state state;
	int delay_ms; /* the last delay of the timer */
	int64_t deaths_ms[KEPT_DEATHS];
	unsigned n_deaths;
	unsigned n_short;	/* deaths in a row, each within the window after a start */
	int64_t tried_ms;	/* time of the last start, also of one that failed */
	int64_t stopped_ms;	/* time of the last stop; -1: none */
	int64_t short_since_ms; /* start of the current shortage; -1: none */
};

/*
 * kept_init() - initialize; the owner has started the process, or does so before kept_supervise()
 * @ops, @arg: must outlive @kept
 */
void kept_init(struct kept *kept, const struct kept_ops *ops, void *arg);

/*
 * kept_supervise() - from now on, restart it from the event loop of @base
 * @children: reports its exits and stops; must outlive @kept
 */
void kept_supervise(struct kept *kept, struct event_base *base, struct children *children);

/* kept_observe() - report the deaths and restarts of all kept processes in @children to @observer,
 * which must outlive @children */
void kept_observe(struct children *children, const struct kept_observer *observer);

/*
 * kept_watch() - from now on, @process is the kept process
 * @process: the owner's variable, always the same; PROCESS_NONE after the process has exited
 *
 * When the process exits, *@process becomes PROCESS_NONE, ops.ended() is called, and then the death
 * counts as in kept_died(). When it stops, it is continued or killed. Does nothing before
 * kept_supervise().
 */
void kept_watch(struct kept *kept, struct process *process);

/*
 * kept_follow() - the kept process exits by itself, with status 0, when @leader has died
 * @leader: the process of another struct kept
 */
void kept_follow(struct kept *kept, const struct process *leader);

/*
 * kept_died() - count a death; for an owner that has killed the process itself
 * @why: "signal 9 (Killed)", for the error that reports that it is given up
 *
 * The timer restarts the process later, never this call; or the process is given up. Does nothing
 * if the process already waits to be started, or is given up.
 */
void kept_died(struct kept *kept, const char *why);

/*
 * kept_stopped() - count a stop, and decide what to do
 *
 * Returns true if the caller must continue the process, false if the caller must kill it. Such a
 * kill counts as any other death.
 */
bool kept_stopped(struct kept *kept);

/* kept_start() - start it from the event loop, as after a death: for a process that was not needed
 * before. Call it after kept_supervise() */
void kept_start(struct kept *kept);

/* kept_restarted() - the owner has started it in another way: stop the timer */
void kept_restarted(struct kept *kept);

/* kept_clear() - start nothing any more; call it before the event base is freed. Accepts a struct
 * that was never supervised. */
void kept_clear(struct kept *kept);

/* kept_is_gone() - does the -errno @rc of a conversation with a kept process mean that the process
 * must be replaced: it is gone, it hangs, or it violates the protocol? */
bool kept_is_gone(int rc);

/* kept_is_shortage() - is the -errno @rc a shortage that passes by itself? */
bool kept_is_shortage(int rc);

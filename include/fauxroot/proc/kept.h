/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process of ours that is kept alive: one policy for when it is started again, and when it is
 * given up. Its ends and stops are reported by the table of our children (children.h).
 *
 * What happens to it is told apart:
 *
 * - It dies. It is started again at once the first time, later with every further death in ten
 *   seconds. The fifth is one too many.
 * - It cannot be started, because of a shortage that is not its own fault (a fork without a free
 *   process, no descriptors, no memory, a machine so busy that it is late). That is no death. It is
 *   tried again, first after a tenth of a second and then ever more rarely, for a minute.
 * - It is stopped. The first time it is continued, for whoever has stopped everything and continues
 *   it (a suspended container, `kill -STOP`) may continue us first. If it stops again within ten
 *   seconds it is to be replaced.
 * - It ends by itself right after another one of ours has died, on which it depends. That is no
 *   death of its own, and it comes back with the other one.
 *
 * How it is started, and what else belongs to it, is its owner's affair.
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

/* A shortage is waited out in steps from the first to the second, for as long as the third. */
#define KEPT_STEP_MS	 100
#define KEPT_STEP_MAX_MS 5000
#define KEPT_PATIENCE_MS 60000

/* Between the closing of the sockets of the process that is followed and its being dead, at most:
 * on a busy machine it may have to wait for its turn in between. */
#define KEPT_FOLLOW_MS 2000

/* Room for the reason of a death. */
#define KEPT_WHY_MAX 512

struct kept_ops {
	const char *name;     /* for messages: "the port forwarder" */
	enum error_step step; /* of errors that say that it is lost */

	/*
	 * Start it; called from the event loop, and may not wait for long. 0 or -errno with nothing
	 * left running. It calls kept_watch() for the new process.
	 */
	int (*start)(void *arg, struct error *err);

	/*
	 * It has ended with @status and is reaped: put away what belonged to it. @why is the reason
	 * for the log, "signal 9 (Killed)", which may be replaced. May be NULL.
	 */
	void (*ended)(void *arg, int status, char *why, size_t size);

	/* It is given up; called once, and nothing after it. */
	void (*lost)(void *arg, const struct error *err);
};

enum kept_state {
	KEPT_STARTED = 0, /* it runs, as far as is known here */
	KEPT_WAITING,	  /* it does not, and will be started by the timer */
	KEPT_LOST,
};

struct kept {
	const struct kept_ops *ops;
	void *arg;
	int64_t (*now_ms)(void); /* clock_ms(), or a test's */
	struct event timer;
	struct children *children;    /* NULL: nothing is watched yet */
	struct process *process;      /* its owner's; NULL: none was watched yet */
	const struct process *leader; /* whom it follows; NULL: nobody */
	bool stopped_again;	      /* and so was killed */
	bool supervised;
	enum kept_state state;
	int delay_ms; /* of the timer, as it was set last */
	int64_t deaths_ms[KEPT_DEATHS];
	unsigned n_deaths;
	int64_t stopped_ms;	/* the last stop; -1: none */
	int64_t short_since_ms; /* the first failure in a row of them; -1: it was started */
};

/*
 * kept_init() - a process that its owner has started, or will have before kept_supervise()
 * @ops, @arg: must outlive @kept
 */
void kept_init(struct kept *kept, const struct kept_ops *ops, void *arg);

/*
 * kept_supervise() - start it again from the loop of @base, from now on
 * @children: where its ends and stops are watched; must outlive it
 */
void kept_supervise(struct kept *kept, struct event_base *base, struct children *children);

/*
 * kept_watch() - @process is the one that is kept, from now on
 * @process: its owner's, and where it always is; PROCESS_NONE once it has ended
 *
 * When it ends it is forgotten, ops.ended() is called, and then it has died as by kept_died(). When
 * it stops it is continued or killed. Does nothing before kept_supervise().
 */
void kept_watch(struct kept *kept, struct process *process);

/*
 * kept_follow() - it ends by itself, with status 0, when @leader has died
 * @leader: of another struct kept
 */
void kept_follow(struct kept *kept, const struct process *leader);

/*
 * kept_died() - for an owner who has ended it himself: it is gone, or given up
 * @why: "signal 9 (Killed)", for the error that says that it is lost
 *
 * It is started again by the timer, never from within; or lost. Does nothing where it is waiting to
 * be started already, or was lost.
 */
void kept_died(struct kept *kept, const char *why);

/*
 * kept_stopped() - it has been stopped, and may be continued now
 *
 * Returns whether to continue it; else it is to be killed, which will be a death like others.
 */
bool kept_stopped(struct kept *kept);

/* kept_restarted() - it has been started by another way: no timer is needed */
void kept_restarted(struct kept *kept);

/* kept_clear() - nothing is started any more; before the event base goes. Accepts what was never
 * supervised. */
void kept_clear(struct kept *kept);

/* kept_is_gone() - does the -errno @rc of a conversation with a kept process say that it is gone,
 * or as good as gone: it hangs, or sends what it must not? Then it is to be replaced. */
bool kept_is_gone(int rc);

/* kept_is_shortage() - is the -errno @rc one that passes by itself? */
bool kept_is_shortage(int rc);

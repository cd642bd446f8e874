/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The base of helper-based networks. Such a helper joins the child's network namespace, attaches to
 * the TAP device there, and turns its frames into ordinary sockets of the host.
 *
 * A driver is a struct net_driver with NET_HELPER_HOOKS, and a struct net_helper_ops with the
 * details of its program: arguments, readiness report, harmless output, versions that are too old.
 * The rest is here: driver.c implements struct net_driver, run.c does one run of the program,
 * supervise.c keeps it running, health.c detects that it hangs, output.c filters its output.
 */
#pragma once

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/spawn.h"
#include "fauxroot/base/str.h"
#include "fauxroot/net/net.h"
#include "fauxroot/proc/kept.h"
#include "health.h"

struct net_helper;

/* How the program is executed. */
struct net_helper_command {
	int ready; /* the descriptor on which the program reports that it is ready */
	int exit;  /* end of file on this descriptor: the launcher has exited */

	/* Filled by the driver. */
	struct strv argv; /* already has its first word, the program */
	struct strv env;  /* as in helper_spec.env */
	int keep;	  /* one more descriptor that the program inherits; -1: none */
};

/* Something that only newer versions of the program have. */
struct net_helper_feature {
	const char *option; /* our option that needs it, for messages */

	/* Do the options need it? */
	bool (*needed)(const struct config *config);

	/* Arguments that old versions refuse; with version_args they are tried. Ends with NULL. */
	const char *const *args;
};

/* Results of net_helper_ops.take_ready, besides -errno for an invalid byte. */
enum {
	NET_HELPER_NOT_YET = 0,
	NET_HELPER_READY,
};

/* Why a program died before it was ready, for its error. */
struct net_helper_meaning {
	enum error_reason
		reason; /* its about is the program; REASON_DIED if there is no better one */
	int code;	/* ECHILD; EAGAIN: there were too many processes */
};

/* A driver's description of its program. */
struct net_helper_ops {
	const char *name; /* for messages */

	/* The program from the options; without a slash it is searched in PATH. */
	const char *(*binary)(const struct config *config);

	/*
	 * version_args: the arguments that make the program print its version; ends with NULL.
	 * judge_version: fill net->version. Returns 0, or -errno if the program is another one or
	 * too old.
	 * @status: in the form of waitpid(2)
	 * @text: the program's output, its lines joined with blanks
	 */
	const char *const *version_args;
	int (*judge_version)(struct net *net, int status, const char *text, struct error *err);

	/* Refuse options that no version of the program supports together. May be NULL. */
	int (*check)(const struct config *config, struct error *err);

	/* Ends with an option of NULL; NULL: all versions have everything. */
	const struct net_helper_feature *features;

	/*
	 * Interpret the error messages of a program that died before it was ready. May be NULL.
	 * @text: the program's whole output
	 */
	struct net_helper_meaning (*interpret)(const char *text);

	/*
	 * Shields protect the host from a program that a packet has exploited: a sandbox, a seccomp
	 * filter. Some machines cannot provide them. Bit n of a set is the name n in shields, which
	 * ends with NULL. A program that dies with the wanted shields before it is ready is started
	 * once more with only the required ones. shields NULL: the program has none.
	 */
	const char *const *shields;
	void (*choose_shields)(const struct net *net, unsigned *ret_wanted, unsigned *ret_required);

	/* Size in bytes of the driver's own state, net_helper.own, which starts zeroed; or 0. */
	size_t own_size;

	/* init: give own its initial values. prepare: make everything that needs no child. release:
	 * release both. Each may be NULL. */
	void (*init)(struct net_helper *h);
	void (*prepare)(struct net_helper *h);
	void (*release)(struct net_helper *h);

	/*
	 * Append the command line to @command. The device is @h->net->plan.ifname in the network
	 * namespace of the process @h->net->holder; the shields are @h->shields. Returns 0 or
	 * -ENOMEM.
	 */
	int (*arguments)(struct net_helper *h, struct net_helper_command *command);

	/*
	 * The program has died before it was ready; @text is the beginning of its output. If it is
	 * an older version that needs other arguments, change @h->own and return true: then the
	 * program is started once more. May be NULL.
	 */
	bool (*adapt)(struct net_helper *h, const char *text);

	/* Interpret a byte from net_helper_command.ready: NET_HELPER_NOT_YET, NET_HELPER_READY or
	 * -errno. */
	int (*take_ready)(struct net_helper *h, char byte);

	/* The program reports on its standard output, because it closes all other descriptors.
	 * net_helper_command.ready is then 1. */
	bool ready_on_stdout;

	/* The program has no way to notice the launcher's exit. The holder then stays as long as
	 * the program runs, and kills it when the launcher exits: ns_holder_guard(). */
	bool holder_stays;

	/* The beginnings of lines that the program prints without a fault; ends with NULL. They are
	 * not part of an error. */
	const char *const *chatter;

	/* Called when the program is ready. May be NULL. */
	void (*up)(struct net_helper *h);
};

enum net_helper_state {
	NET_HELPER_DOWN = 0,
	NET_HELPER_STARTING, /* executed, not ready yet */
	NET_HELPER_UP,
};

/* A helper-based network in use: net->state. */
struct net_helper {
	struct net *net;
	const struct net_helper_ops *ops;
	void *own; /* the driver's own state */

	unsigned shields, required_shields;
	enum net_helper_state state;
	struct helper program;
	int ready; /* read end, while starting; else -1 */
	int exit;  /* write end: the program exits when it is closed; else -1 */
	int64_t down_since_ms;

	/* In the event loop. */
	bool supervised;
	struct event on_output, on_ready, on_timer, on_check;
	struct kept kept;
	struct kept_ops kept_ops;
	struct net_health health;
	int check_ms;	  /* between health checks: NET_HEALTH_CHECK_MS, or a test's value */
	char reason[256]; /* why we killed the program ourselves; else "" */
};

/* net_helper_plan() - net_driver.plan: plan the network from --cidr, --mtu, --ifname and --ipv6 */
int net_helper_plan(const struct config *config, struct net_plan *ret, struct error *err);

/* The other functions of struct net_driver; see there. */
int net_helper_check(struct net *net, struct error *err);
int net_helper_verify(struct net *net, struct error *err);
int net_helper_prepare(struct net *net, struct error *err);
int net_helper_start(struct net *net, struct error *err);
int net_helper_wait_ready(struct net *net, struct error *err);
void net_helper_supervise(struct net *net);
void net_helper_holder_ended(struct net *net);
void net_helper_kill(struct net *net);
void net_helper_stop(struct net *net);

/* The holder's job: make the TAP device with its addresses and routes, unless it exists. */
extern const struct ns_job net_helper_set_up;

/* The common part of helper-based drivers. A driver adds .mode, .name, .helper and .endpoint. */
#define NET_HELPER_HOOKS                                                                        \
	.plan = net_helper_plan, .check = net_helper_check, .verify = net_helper_verify,        \
	.set_up = &net_helper_set_up, .prepare = net_helper_prepare, .start = net_helper_start, \
	.wait_ready = net_helper_wait_ready, .supervise = net_helper_supervise,                 \
	.holder_ended = net_helper_holder_ended, .kill = net_helper_kill, .stop = net_helper_stop

/*
 * net_helper_complaint() - extract the error messages from a program's output
 * @text: the whole output
 * @ret: the lines that do not begin as in @ops->chatter, joined with "; ", printable; "": none.
 *	Always terminated, truncated to @size
 */
void net_helper_complaint(const struct net_helper_ops *ops, const char *text, char *ret,
			  size_t size);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The base of networks by a helper: a program that joins the child's network namespace, attaches to
 * the TAP device there, and turns its frames into ordinary sockets of the host.
 *
 * A driver is a struct net_driver made of NET_HELPER_HOOKS and a struct net_helper_ops, which says
 * what is special about its program: its arguments, how it reports that it is ready, what it prints
 * in good health, which versions are too old. The rest is here: driver.c answers net/'s questions,
 * run.c makes one run of the program, supervise.c keeps it running, health.c notices that it hangs,
 * output.c reads what it prints.
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
	int exit;  /* end of file on this descriptor: the launcher has gone */

	/* Filled by the driver. */
	struct strv argv; /* its first word is there already: the program */
	struct strv env;  /* as helper_spec.env */
	int keep;	  /* one more descriptor that the program gets; -1: none */
};

/* A result of net_helper_ops.take_ready, beside -errno for a byte that makes no sense. */
enum {
	NET_HELPER_NOT_YET = 0,
	NET_HELPER_READY,
};

/* What a driver says about its program. */
struct net_helper_ops {
	const char *name; /* for messages */

	/* The program as the user names it; it is searched in PATH where it has no slash. */
	const char *(*binary)(const struct config *config);

	/*
	 * The words after the program's name that make it print its version, up to NULL; and what
	 * is thought of the answer: fill net->version, and return 0, or -errno where it is another
	 * program or too old.
	 * @status: as waitpid(2) reports it
	 * @text: what it has printed, its lines joined with blanks
	 */
	const char *const *version_args;
	int (*judge_version)(struct net *net, int status, const char *text, struct error *err);

	/*
	 * Shields are what protects the host from a program that a packet has taken over, and what
	 * some machines cannot give: a sandbox, a seccomp filter. Bit n stands for the name n in
	 * shields, which ends with NULL. A program that dies with the wanted ones before it is
	 * ready is started once more with the required ones alone. NULL: there are none.
	 */
	const char *const *shields;
	void (*choose_shields)(const struct net *net, unsigned *ret_wanted, unsigned *ret_required);

	/* Size of the driver's own state, net_helper.own: zeroed memory. 0: it has none. */
	size_t own_size;

	/* Make own what it is before anything is started, what can be made before there is a child,
	 * and release it all. Each may be NULL. */
	void (*init)(struct net_helper *h);
	void (*prepare)(struct net_helper *h);
	void (*release)(struct net_helper *h);

	/*
	 * The command line. The device is @h->net->plan.ifname, in the network namespace of the
	 * process @h->net->holder; the shields are @h->shields. Returns 0 or -ENOMEM.
	 */
	int (*arguments)(struct net_helper *h, struct net_helper_command *command);

	/* Take a byte that has come over net_helper_command.ready: NET_HELPER_NOT_YET,
	 * NET_HELPER_READY or -errno. */
	int (*take_ready)(struct net_helper *h, char byte);

	/* The program reports on its standard output, for it closes all other descriptors:
	 * net_helper_command.ready is 1 then. */
	bool ready_on_stdout;

	/* The program ends with the process that it was started on: that one stays as long as the
	 * program runs, so that both end with the launcher. */
	bool holder_stays;

	/* How lines begin that the program prints in good health, up to NULL: they are no
	 * complaints. */
	const char *const *chatter;

	/* The program is ready: do, or warn of, what is special. May be NULL. */
	void (*up)(struct net_helper *h);
};

enum net_helper_state {
	NET_HELPER_DOWN = 0,
	NET_HELPER_STARTING, /* executed; has not reported that it is ready */
	NET_HELPER_UP,
};

/* A helper-based network at work: net->state. */
struct net_helper {
	struct net *net;
	const struct net_helper_ops *ops;
	void *own; /* the driver's own state */

	unsigned shields, required_shields;
	enum net_helper_state state;
	struct helper program;
	int ready; /* read end; while starting */
	int exit;  /* write end: its closing ends a program that watches the other end */
	int64_t down_since_ms;

	/* In the event loop. */
	bool supervised;
	struct event on_output, on_ready, on_timer, on_look;
	struct kept kept;
	struct kept_ops kept_ops;
	struct net_health health;
	int look_ms;	  /* between looks: NET_HEALTH_LOOK_MS, or a test's */
	char reason[256]; /* why we have killed it ourselves; else empty */
};

/* net_driver.plan: the network of the options --cidr, --mtu, --ifname and --ipv6 */
int net_helper_plan(const struct config *config, struct net_plan *ret, struct error *err);

/* The other hooks of a net_driver; see there. */
int net_helper_check(struct net *net, struct error *err);
int net_helper_settle(struct net *net, struct error *err);
int net_helper_prepare(struct net *net, struct error *err);
int net_helper_start(struct net *net, struct error *err);
int net_helper_wait_ready(struct net *net, struct error *err);
void net_helper_supervise(struct net *net);
void net_helper_kill(struct net *net);
void net_helper_stop(struct net *net);

/* The job of a holder: the TAP device with its addresses and routes, unless it is there. */
extern const struct ns_job net_helper_set_up;

/* What helper-based drivers have in common; .mode, .name and .helper are the driver's. */
#define NET_HELPER_HOOKS                                                                        \
	.plan = net_helper_plan, .check = net_helper_check, .settle = net_helper_settle,        \
	.set_up = &net_helper_set_up, .prepare = net_helper_prepare, .start = net_helper_start, \
	.wait_ready = net_helper_wait_ready, .supervise = net_helper_supervise,                 \
	.kill = net_helper_kill, .stop = net_helper_stop

/*
 * net_helper_complaint() - of all that a program has printed, the lines that are no chatter
 *
 * Joined with "; ", printable, "" where there is none. Always terminated.
 */
void net_helper_complaint(const struct net_helper_ops *ops, const char *text, char *ret,
			  size_t size);

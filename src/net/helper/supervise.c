/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The helper in the event loop, where nothing may block:
 *
 *            dies                     kept: run
 *   UP ───────────────▶ DOWN ───────────────────────▶ STARTING ──▶ UP
 *                         ▲    dies, or is killed because │  ready-fd
 *                         └──── it does not become ready ─┘
 *
 * "kept" (proc/kept.h) decides about a restart after a death, and continues a stopped helper. A
 * helper is never given up: the target can send frames that kill it, and a helper may need a route
 * that the host gets later. The timer here is the deadline for readiness in STARTING. A helper that
 * hangs (health.c) is killed, and then handled like any dead helper.
 */
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"
#include "run.h"

/* A program that has closed ready-fd without a report is killed after this time. */
#define DYING_MS 1000

static void on_output(evutil_socket_t fd, short what, void *arg);

static void set_timer(struct event *timer, int ms)
{
	const struct timeval delay = timeval_ms(ms);

	(void)event_add(timer, &delay);
}

static void watch_output(struct net_helper *h)
{
	event_assign(&h->on_output, h->net->base, h->program.output, EV_READ | EV_PERSIST,
		     on_output, h);
	if (h->program.output >= 0)
		(void)event_add(&h->on_output, NULL);
}

static void unwatch(struct net_helper *h)
{
	(void)event_del(&h->on_output);
	(void)event_del(&h->on_ready);
	(void)event_del(&h->on_timer);
}

static void on_output(evutil_socket_t fd, short what, void *arg)
{
	struct net_helper *h = arg;

	(void)fd;
	(void)what;
	/* helper_drain() closes the descriptor at end of file: remove it from the loop first. */
	(void)event_del(&h->on_output);
	helper_drain(&h->program);
	watch_output(h);
}

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct net_helper *h = arg;
	int rc = net_helper_take_ready(h);

	(void)fd;
	(void)what;
	if (rc == -EAGAIN)
		return;
	unwatch(h);
	if (rc <= 0) {
		set_timer(&h->on_timer, DYING_MS);
		return;
	}
	net_helper_enter_up(h);
	watch_output(h);
	log_warning("%s started again; the network was down for %lld ms", h->ops->name,
		    (long long)(clock_ms() - h->down_since_ms));
	h->net->events->restarted(h->net->events_arg);
}

/* kept_ops.start */
static int run_again(void *arg, struct error *err)
{
	struct net_helper *h = arg;
	int rc = net_helper_run(h, err);

	if (rc < 0)
		return rc;
	event_assign(&h->on_ready, h->net->base, h->ready, EV_READ | EV_PERSIST, on_ready, h);
	(void)event_add(&h->on_ready, NULL);
	watch_output(h);
	set_timer(&h->on_timer, NET_HELPER_READY_MS);
	kept_watch(&h->kept, &h->program.process);
	return 0;
}

/* kept_ops.lost */
static void on_lost(void *arg, const struct error *err)
{
	struct net_helper *h = arg;

	h->net->events->lost(h->net->events_arg, err);
}

/* kept_ops.ended */
static void on_ended(void *arg, int status, char *why, size_t size)
{
	struct net_helper *h = arg;

	unwatch(h);
	net_helper_death_reason(h, status, why, size);
	if (h->state == NET_HELPER_UP) {
		h->down_since_ms = clock_ms();
		if (h->net->events->down)
			h->net->events->down(h->net->events_arg);
	}
	net_helper_enter_down(h);
	net_health_clear(&h->health);
}

/* Kill the program for our own reason, which is then reported as the reason of its death. */
static void kill_for(struct net_helper *h, const char *reason)
{
	str_print(h->reason, sizeof(h->reason), "%s", reason);
	kill(h->program.process.pid, SIGKILL);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct net_helper *h = arg;

	(void)fd;
	(void)what;
	if (h->state == NET_HELPER_STARTING && h->program.process.pid > 0)
		kill_for(h, "it did not become ready");
}

static void on_check(evutil_socket_t fd, short what, void *arg)
{
	struct net_helper *h = arg;

	(void)fd;
	(void)what;
	if (h->state == NET_HELPER_UP && h->program.process.pid > 0 &&
	    net_health_is_hung(&h->health, h->net))
		kill_for(h, "it hung and read no more packets");
}

void net_helper_supervise(struct net *net)
{
	struct net_helper *h = net->state;

	h->supervised = true;
	h->kept_ops = (struct kept_ops){
		.name = h->ops->name,
		.step = STEP_NET,
		.persistent = true,
		.start = run_again,
		.ended = on_ended,
		.lost = on_lost,
	};
	kept_init(&h->kept, &h->kept_ops, h);
	kept_supervise(&h->kept, net->base, net->children);
	kept_watch(&h->kept, &h->program.process);
	event_assign(&h->on_ready, net->base, -1, 0, on_ready, h);
	event_assign(&h->on_timer, net->base, -1, 0, on_timer, h);
	event_assign(&h->on_check, net->base, -1, EV_PERSIST, on_check, h);
	set_timer(&h->on_check, h->check_ms);
	watch_output(h);
}

void net_helper_holder_ended(struct net *net)
{
	struct net_helper *h = net->state;

	/* Nothing else would stop the program when the launcher exits. */
	if (h->ops->holder_stays && h->state != NET_HELPER_DOWN && h->program.process.pid > 0)
		kill_for(h, "its holder was killed");
}

void net_helper_kill(struct net *net)
{
	struct net_helper *h = net->state;

	if (!h)
		return;
	if (h->supervised) {
		unwatch(h);
		kept_clear(&h->kept);
		(void)event_del(&h->on_check);
	}
	h->supervised = false;
	if (h->program.process.pid > 0)
		kill(h->program.process.pid, SIGKILL);
}

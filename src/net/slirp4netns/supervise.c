/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * slirp4netns in the event loop, where nothing may wait:
 *
 *            dies                     kept: run
 *   UP ───────────────▶ DOWN ───────────────────────▶ STARTING ──▶ UP
 *                         ▲     dies, or killed when      │  ready-fd
 *                         └───── it is late to be ready ──┘
 *
 * Its end is reported by the launcher's reaper, through net_child_ended(). When it is started
 * again, and when it is given up, is kept's affair (proc/kept.h). The timer here is the deadline
 * for readiness in STARTING.
 *
 * A hung one is killed, and then has died: see health.c. A stopped one (SIGSTOP reaches processes
 * that terminal signals don't) is continued; one that is stopped again is killed.
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
#include "slirp4netns.h"

/* How long one that has closed ready-fd without a word gets to die. */
#define DYING_MS 1000

static void on_output(evutil_socket_t fd, short what, void *arg);

static void set_timer(struct slirp *s, int ms)
{
	const struct timeval delay = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000L};

	(void)event_add(&s->on_timer, &delay);
}

static void watch_output(struct slirp *s)
{
	event_assign(&s->on_output, s->net->base, s->helper.output, EV_READ | EV_PERSIST, on_output,
		     s);
	if (s->helper.output >= 0)
		(void)event_add(&s->on_output, NULL);
}

static void unwatch(struct slirp *s)
{
	(void)event_del(&s->on_output);
	(void)event_del(&s->on_ready);
	(void)event_del(&s->on_timer);
}

static void on_output(evutil_socket_t fd, short what, void *arg)
{
	struct slirp *s = arg;

	(void)fd;
	(void)what;
	/* Draining closes the descriptor at its end: out of the loop first. */
	(void)event_del(&s->on_output);
	helper_drain(&s->helper);
	watch_output(s);
}

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct slirp *s = arg;
	int rc = slirp_take_ready(s);

	(void)fd;
	(void)what;
	if (rc == -EAGAIN)
		return;
	unwatch(s);
	if (rc <= 0) {
		set_timer(s, DYING_MS);
		return;
	}
	slirp_is_up(s);
	watch_output(s);
	log_warning("slirp4netns started again; the network was gone for %lld ms",
		    (long long)(clock_ms() - s->down_since_ms));
	s->net->events->restarted(s->net->events_arg);
}

/* kept_ops.start */
static int run_again(void *arg, struct error *err)
{
	struct slirp *s = arg;
	int rc = slirp_run(s, err);

	if (rc < 0)
		return rc;
	event_assign(&s->on_ready, s->net->base, s->ready, EV_READ | EV_PERSIST, on_ready, s);
	(void)event_add(&s->on_ready, NULL);
	watch_output(s);
	set_timer(s, SLIRP_READY_MS);
	return 0;
}

/* kept_ops.lost */
static void on_lost(void *arg, const struct error *err)
{
	struct slirp *s = arg;

	s->net->events->lost(s->net->events_arg, err);
}

static const struct kept_ops kept_ops = {
	.name = "slirp4netns",
	.step = STEP_SLIRP,
	.start = run_again,
	.lost = on_lost,
};

/* End it with a reason of ours; the reaper will tell its death. */
static void kill_for(struct slirp *s, const char *reason)
{
	str_print(s->reason, sizeof(s->reason), "%s", reason);
	kill(s->helper.process.pid, SIGKILL);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct slirp *s = arg;

	(void)fd;
	(void)what;
	if (s->state == SLIRP_STARTING && s->helper.process.pid > 0)
		kill_for(s, "it did not become ready");
}

static void on_look(evutil_socket_t fd, short what, void *arg)
{
	struct slirp *s = arg;

	(void)fd;
	(void)what;
	if (s->state == SLIRP_UP && s->helper.process.pid > 0 && slirp_is_hung(s))
		kill_for(s, "it hung and took no more packets");
}

void slirp_supervise(struct net *net)
{
	const struct timeval look = {.tv_sec = SLIRP_LOOK_MS / 1000};
	struct slirp *s = net->state;

	s->supervised = true;
	kept_init(&s->kept, &kept_ops, s);
	kept_supervise(&s->kept, net->base);
	event_assign(&s->on_ready, net->base, -1, 0, on_ready, s);
	event_assign(&s->on_timer, net->base, -1, 0, on_timer, s);
	event_assign(&s->on_look, net->base, -1, EV_PERSIST, on_look, s);
	(void)event_add(&s->on_look, &look);
	watch_output(s);
}

void slirp_kill(struct net *net)
{
	struct slirp *s = net->state;

	if (!s)
		return;
	if (s->supervised) {
		unwatch(s);
		kept_clear(&s->kept);
		(void)event_del(&s->on_look);
	}
	s->supervised = false;
	if (s->helper.process.pid > 0)
		kill(s->helper.process.pid, SIGKILL);
}

static void stopped(struct slirp *s, int signal)
{
	if (!kept_stopped(&s->kept)) {
		kill_for(s, "it was stopped again");
		return;
	}
	log_warning("slirp4netns was stopped (%s); continuing it", strsignal(signal));
	kill(s->helper.process.pid, SIGCONT);
}

bool slirp_child_ended(struct net *net, pid_t pid, int status)
{
	struct slirp *s = net->state;
	char reason[512];

	if (!s || pid <= 0)
		return false;
	if (pid != s->helper.process.pid)
		return false;
	if (WIFSTOPPED(status)) {
		stopped(s, WSTOPSIG(status));
		return true;
	}
	unwatch(s);
	process_forget(&s->helper.process);
	slirp_death_reason(s, status, reason, sizeof(reason));
	if (s->state == SLIRP_UP)
		s->down_since_ms = clock_ms();
	slirp_is_down(s);
	slirp_health_clear(&s->health);
	log_warning("slirp4netns died: %s", reason);
	kept_died(&s->kept, reason);
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * One thread, one event loop. Signals are read from the signalfd: SIGCHLD means "reap whatever is
 * dead", all others go to the target. The dead are the target (the end), the network's helper (its
 * driver mends it), or orphans of the target (nothing to do: the subreaper only clears them away).
 * Living orphans are not waited for, unless --kill-orphans is given: leftovers.c.
 *
 * Job control: a shell sees the launcher, the terminal's signals reach the target. When the target
 * stops, the launcher stops itself, so that the shell gets its terminal back; SIGCONT wakes both.
 * That may happen before the child has become the target, so the end of the handshake is waited for
 * here, too. With --pidns the process that is watched here is init, which tells of the target:
 * reports.h.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/libc.h"
#include "fauxroot/base/log.h"
#include "fauxroot/mounts/etcfiles.h"
#include "fauxroot/supervise/job.h"
#include "fauxroot/supervise/notify.h"
#include "fauxroot/supervise/terminal.h"
#include "fauxroot/sys/memory.h"
#include "handshake.h"
#include "launch.h"
#include "reports.h"

/* How long a target that we have to end gets for its own way out. */
#define PATIENCE_S 10

/* And how long one that has been killed gets to be gone. */
#define KILLED_S 2

/* First it is killed. What that does not end waits in the kernel, maybe for ever: then we go
 * without it. */
static void on_patience(evutil_socket_t fd, short what, void *arg)
{
	const struct timeval kill_patience = {.tv_sec = KILLED_S};
	struct launch *l = arg;

	(void)fd;
	(void)what;
	if (!l->loop.killed) {
		log_warning("the command has not ended in %d s; killing it", PATIENCE_S);
		kill(l->child.pid, SIGKILL);
		l->loop.killed = true;
		if (event_add(l->loop.on_patience, &kill_patience) == 0)
			return;
	}
	log_warning("the command cannot be killed; ending without it");
	event_base_loopbreak(l->serve.base);
}

/* Something vital is gone for good: end the target, and let the end of the loop report @err. */
static void on_lost(void *arg, const struct error *err)
{
	struct launch *l = arg;
	struct timeval patience = {.tv_sec = PATIENCE_S};

	if (l->loop.ending)
		return;
	if (l->child.pid <= 0) {
		log_error("%s", err->text);
		return;
	}
	l->loop.ending = true;
	l->loop.failure = *err;
	log_error("%s; ending the command", err->text);
	kill(l->child.pid, SIGTERM);
	kill(l->child.pid, SIGCONT);
	if (!l->loop.on_patience || event_add(l->loop.on_patience, &patience) < 0)
		kill(l->child.pid, SIGKILL);
}

static void on_restarted(void *arg)
{
	struct launch *l = arg;
	struct error err;

	if (ports_network_restarted(&l->ports, &err) < 0)
		on_lost(l, &err);
}

static void on_ports_ready(void *arg)
{
	const struct launch *l = arg;

	api_server_resume(l->serve.api);
}

static const struct ports_events ports_events = {
	.lost = on_lost,
	.ready = on_ports_ready,
};

static const struct net_events net_events = {
	.lost = on_lost,
	.restarted = on_restarted,
};

static void end_handshake(struct launch *l)
{
	event_del(l->loop.on_handshake);
	l->sock = fd_close(l->sock);
}

/*
 * The child's last words, as far as they are there: INIT with --pidns, and end of file where the
 * command runs; else why it does not. Returns false where there is nothing to take.
 */
static bool take_handshake(struct launch *l)
{
	bool init_is_due = l->config->pidns && !l->loop.init_is_there;
	struct error err;
	int rc = handshake_poll(l->sock, init_is_due ? HANDSHAKE_INIT : 0,
				init_is_due ? "starting init" : "starting the command", &err);

	if (rc == -EAGAIN)
		return false;
	if (rc < 0) {
		l->loop.ending = true;
		l->loop.failure = err;
		event_base_loopbreak(l->serve.base);
	} else if (init_is_due) {
		l->loop.init_is_there = true;
		return true;
	} else {
		log_debug("running %s", l->config->command[0]);
	}
	end_handshake(l);
	return true;
}

static void on_handshake(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)take_handshake(arg);
}

/* Not for ever: the target can make them up. */
#define MAX_REPORTS 64

/*
 * With --pidns. Ctrl-Z stops nobody where no shell would continue him: the kernel sees to that by
 * process groups, and does not in a group that has a member whose parent, init, is in another one.
 */
static void target_stopped(struct launch *l, int status)
{
	if (!terminal_stop(&l->loop.target) && WSTOPSIG(status) == SIGTSTP)
		process_signal(&l->loop.target, SIGCONT);
}

/* @stopped: the status of the last stop, 0 for none. */
static void take_report(struct launch *l, const struct report *report, int *stopped)
{
	switch (report->type) {
	case REPORT_STARTED:
		/* True: the target did not run yet. */
		if (process_of_pidfd(report->pidfd, &l->loop.target) < 0)
			fd_close(report->pidfd);
		break;
	case REPORT_STOPPED:
		*stopped = report->status;
		break;
	case REPORT_ENDED:
		l->loop.target_reported = true;
		l->loop.status = report->status;
		/* Signals are init's again, which may still have orphans to end. */
		process_forget(&l->loop.target);
		break;
	}
}

/*
 * Take what init has told. @live: there is still a target with which to stop.
 *
 * The target can write reports of its own and would keep us stopped with them: we stop once for all
 * that are there, and only where /proc shows the target stopped.
 */
static void take_reports(struct launch *l, bool live)
{
	struct report report;
	int rc = 0, stopped = 0;

	for (int i = 0; i < MAX_REPORTS && !l->loop.target_reported; i++) {
		rc = report_recv(l->reports, l->loop.target.pid > 0, &report);
		if (rc <= 0)
			break;
		take_report(l, &report, &stopped);
	}
	if (rc == -EPROTO)
		log_warning("init says what makes no sense; its own end will tell the rest");
	if (l->loop.target_reported || rc < 0) {
		event_del(l->loop.on_report);
		l->reports = fd_close(l->reports);
	}
	if (live && stopped && job_is_stopped(&l->loop.target))
		target_stopped(l, stopped);
}

static void on_report(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	take_reports(arg, true);
}

/* What it had to say before it ended comes first. */
static void target_ended(struct launch *l, int status)
{
	while (l->sock >= 0 && take_handshake(l))
		;
	if (l->sock >= 0)
		end_handshake(l);
	if (l->reports >= 0)
		take_reports(l, false);
	if (!l->loop.target_reported)
		l->loop.status = status;
	process_forget(&l->loop.target);
	process_forget(&l->child);
	event_del(l->loop.on_patience);
}

static void continue_init(struct launch *l)
{
	if (l->loop.init_stopped)
		kill(l->child.pid, SIGCONT);
	l->loop.init_stopped = false;
}

/* children_watch() */
static void on_child(void *arg, int status)
{
	struct launch *l = arg;

	if (!WIFSTOPPED(status)) {
		target_ended(l, status);
		return;
	}
	/* Signals go to the target past init, which somebody has stopped. */
	l->loop.init_stopped = l->config->pidns;
	/* In another session it is no longer a job of the shell that started us. */
	if (getsid(l->child.pid) == getsid(0) && job_stop(&l->child))
		continue_init(l);
}

static void reap_all(struct launch *l)
{
	children_reap(&l->children);
	if (l->child.pid <= 0)
		leftovers_look(l);
}

static void on_signal(evutil_socket_t fd, short what, void *arg)
{
	struct launch *l = arg;
	struct signalfd_siginfo info;
	bool child = false;

	(void)fd;
	(void)what;
	/* If there is a target to get a signal, init has reported it: do not ask init to pass on
	 * what the target may have got from the terminal. */
	if (l->reports >= 0 && l->loop.target.pid == 0)
		take_reports(l, true);
	while (signals_read(l->signals, &info)) {
		if (info.ssi_signo == SIGCONT && l->child.pid > 0)
			continue_init(l);
		if (info.ssi_signo == SIGCHLD)
			child = true;
		else if (l->loop.target.pid > 0)
			signal_forward(&info, &l->loop.target);
		else if (l->child.pid > 0)
			signal_forward(&info, &l->child);
		else
			leftovers_hurry(l, (int)info.ssi_signo);
	}
	if (child)
		reap_all(l);
}

/* log_on_loss(): look again until somebody reads. */
static void on_log_loss(void *arg)
{
	const struct timeval second = {.tv_sec = 1};
	struct launch *l = arg;

	(void)event_add(l->loop.on_log, &second);
}

static void on_log(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	if (!log_catch_up())
		on_log_loss(arg);
}

/* What the launch needed, most of the program, is not needed again. */
static void on_launched(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	libc_heap_trim();
	memory_release_code();
}

static int watch_log(struct launch *l, struct error *err)
{
	l->loop.on_log = event_new(l->serve.base, -1, 0, on_log, l);
	if (!l->loop.on_log)
		return err_set(err, ENOMEM, "setting up the event loop");
	log_on_loss(on_log_loss, l);
	if (!log_catch_up())
		on_log_loss(l);
	return 0;
}

int loop_run(struct launch *l, struct error *err)
{
	const struct timeval launched = {.tv_sec = 1};
	int rc = watch_log(l, err);

	if (rc < 0)
		return rc;

	l->loop.on_handshake =
		event_new(l->serve.base, l->sock, EV_READ | EV_PERSIST, on_handshake, l);
	l->loop.on_signal =
		event_new(l->serve.base, l->signals->all, EV_READ | EV_PERSIST, on_signal, l);
	l->loop.on_patience = event_new(l->serve.base, -1, 0, on_patience, l);
	if (l->reports >= 0) {
		l->loop.on_report =
			event_new(l->serve.base, l->reports, EV_READ | EV_PERSIST, on_report, l);
		if (!l->loop.on_report || event_add(l->loop.on_report, NULL) < 0)
			return err_set(err, ENOMEM, "setting up the event loop");
	}
	if (!l->loop.on_handshake || !l->loop.on_signal || !l->loop.on_patience ||
	    event_add(l->loop.on_handshake, NULL) < 0 || event_add(l->loop.on_signal, NULL) < 0)
		return err_set(err, ENOMEM, "setting up the event loop");
	if (children_watch(&l->children, l->child.pid, on_child, l) < 0)
		return err_set(err, ENOMEM, "setting up the event loop");
	rc = leftovers_prepare(l, err);
	if (rc == 0)
		rc = etc_watch(l, err);
	if (rc < 0)
		return rc;
	rc = notify_serve(l->notify, l->serve.base, err);
	if (rc == 0)
		rc = ports_supervise(&l->ports, l->serve.base, &l->children, &ports_events, l, err);
	if (rc < 0)
		return rc;
	net_supervise(&l->net, l->serve.base, &l->children, &net_events, l);
	/* Where it fails the memory stays. */
	(void)event_base_once(l->serve.base, -1, EV_TIMEOUT, on_launched, NULL, &launched);
	/* Children that ended before the loop was there have left a SIGCHLD pending. */
	if (event_base_dispatch(l->serve.base) < 0)
		return err_say(err, EIO, "the event loop has failed");
	if (l->loop.ending) {
		*err = l->loop.failure;
		return -err->code;
	}
	return 0;
}

void loop_clear(struct launch *l)
{
	struct event **const events[] = {&l->loop.on_log, &l->loop.on_handshake, &l->loop.on_signal,
					 &l->loop.on_patience, &l->loop.on_report};

	log_on_loss(NULL, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(events); i++)
		if (*events[i])
			event_free(TAKE_PTR(*events[i]));
	leftovers_clear(l);
	etc_clear(l);
}

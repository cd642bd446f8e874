/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * One thread runs one event loop. It reads signals from a signalfd. At SIGCHLD it reaps all dead
 * children; it forwards all other signals to the target. A dead child is the target (the loop
 * ends), a helper (its driver restarts it), or an orphan of the target (it is only reaped: the
 * launcher is a subreaper). The loop does not wait for living orphans, except with --kill-orphans:
 * supervise/leftovers.h.
 *
 * Job control: the shell sees the launcher, but the terminal's signals reach the target. When the
 * target stops, the launcher stops itself, so that the shell gets its terminal back. SIGCONT
 * continues both. The target may stop before its execve(2), so the loop also waits for the end of
 * the handshake. With --pidns the loop's child is init, which reports about the target:
 * supervise/reported.h.
 */
#include "loop.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "etc.h"
#include "events.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/libc.h"
#include "fauxroot/base/log.h"
#include "fauxroot/proc/handshake.h"
#include "fauxroot/supervise/job.h"
#include "fauxroot/supervise/notify.h"
#include "fauxroot/sys/memory.h"
#include "fauxroot/sys/nudge.h"
#include "launch.h"
#include "naming.h"

/* After a vital failure: the time between SIGTERM and SIGKILL to the target. */
#define TERM_S 10

/* The time that the target gets to exit after SIGKILL. */
#define KILLED_S 2

/* The first time, kill the target. The second time, exit without it: it is blocked in the kernel,
 * maybe forever. */
static void on_timeout(evutil_socket_t fd, short what, void *arg)
{
	const struct timeval killed = {.tv_sec = KILLED_S};
	struct launch *l = arg;

	(void)fd;
	(void)what;
	if (!l->loop.killed) {
		log_warning("the command did not exit within %d s; killing it", TERM_S);
		kill(l->cloned.child.pid, SIGKILL);
		l->loop.killed = true;
		if (event_add(l->loop.on_timeout, &killed) == 0)
			return;
	}
	log_warning("the command cannot be killed; exiting without it");
	event_base_loopbreak(l->serve.base);
}

/* Something vital is lost: terminate the target. loop_run() then returns @err. */
static void on_lost(void *arg, const struct error *err)
{
	struct launch *l = arg;
	struct timeval timeout = {.tv_sec = TERM_S};

	if (l->loop.ending)
		return;
	if (l->cloned.child.pid <= 0) {
		log_error("%s", err->text);
		return;
	}
	l->loop.ending = true;
	l->loop.failure = *err;
	log_error("%s; terminating the command", err->text);
	kill(l->cloned.child.pid, SIGTERM);
	kill(l->cloned.child.pid, SIGCONT);
	if (!l->loop.on_timeout || event_add(l->loop.on_timeout, &timeout) < 0)
		kill(l->cloned.child.pid, SIGKILL);
}

/* net_events.down */
static void on_network_down(void *arg)
{
	events_network(arg, false);
}

/* net_events.restarted */
static void on_restarted(void *arg)
{
	struct launch *l = arg;
	struct error err;

	events_network(l, true);

	if (ports_network_restarted(&l->ports, &err) < 0)
		on_lost(l, &err);
}

static void on_ports_ready(void *arg)
{
	const struct launch *l = arg;

	api_server_resume(l->serve.api);
}

/* ports_events.published */
static void on_published(void *arg, const struct port *port)
{
	events_published(arg, port);
}

/* ports_events.removed */
static void on_removed(void *arg, const struct port *port)
{
	events_removed(arg, port);
}

static const struct ports_events ports_events = {
	.lost = on_lost,
	.ready = on_ports_ready,
	.published = on_published,
	.removed = on_removed,
};

static const struct names_events names_events = {
	.lost = on_lost,
};

/* ports_events.published */
static void on_host_port(void *arg, const struct port *port)
{
	events_host_port(arg, port, true);
	etc_name_host(arg);
}

/* ports_events.removed */
static void on_host_port_removed(void *arg, const struct port *port)
{
	events_host_port(arg, port, false);
}

static const struct ports_events host_ports_events = {
	.lost = on_lost,
	.published = on_host_port,
	.removed = on_host_port_removed,
};

static const struct net_events net_events = {
	.lost = on_lost,
	.down = on_network_down,
	.restarted = on_restarted,
};

static void end_handshake(struct launch *l)
{
	event_del(l->loop.on_handshake);
	l->cloned.sock = fd_close(l->cloned.sock);
}

/*
 * Receive the child's last messages, without waiting: INIT with --pidns, then end of file if the
 * command runs, else the error. Returns false if no message has come.
 */
static bool take_handshake(struct launch *l)
{
	bool init_is_due = l->config->pidns && !l->loop.init_runs;
	struct error err;
	int rc = handshake_poll(l->cloned.sock, init_is_due ? HANDSHAKE_INIT : 0,
				init_is_due ? "starting init" : "starting the command", &err);

	if (rc == -EAGAIN)
		return false;
	if (rc < 0) {
		l->loop.ending = true;
		l->loop.failure = err;
		event_base_loopbreak(l->serve.base);
	} else if (init_is_due) {
		l->loop.init_runs = true;
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

/* With --pidns: read the reports of init. @live: as for reported_take() */
static void take_reports(struct launch *l, bool live)
{
	if (!reported_take(&l->cloned.reported, live))
		return;
	event_del(l->loop.on_report);
	l->cloned.reported.sock = nudge_close(l->cloned.reported.sock);
}

static void on_report(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	take_reports(arg, true);
}

/* First read the messages that were sent before the exit. */
static void target_ended(struct launch *l, int status)
{
	while (l->cloned.sock >= 0 && take_handshake(l))
		;
	if (l->cloned.sock >= 0)
		end_handshake(l);
	if (l->cloned.reported.sock >= 0)
		take_reports(l, false);
	l->loop.status = l->cloned.reported.ended ? l->cloned.reported.status : status;
	process_forget(&l->cloned.reported.target);
	process_forget(&l->cloned.child);
	event_del(l->loop.on_timeout);
}

static void continue_init(struct launch *l)
{
	if (l->loop.init_stopped)
		kill(l->cloned.child.pid, SIGCONT);
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
	/* Another process has stopped init: signals go directly to the target. */
	l->loop.init_stopped = l->config->pidns;
	/* In another session the child is no longer a job of the shell that started us. */
	if (getsid(l->cloned.child.pid) == getsid(0) && job_stop(&l->cloned.child))
		continue_init(l);
}

static void reap_all(struct launch *l)
{
	/* Each turn of the loop handles the other events, too. Search for leftover processes only
	 * when no zombie is left. A search reads all of /proc: with a search in each turn, the
	 * command could fork more processes than a turn reaps. */
	if (children_reap(&l->children))
		event_active(l->loop.on_more, EV_TIMEOUT, 0);
	else if (l->cloned.child.pid <= 0)
		leftovers_check(&l->leftovers);
}

static void on_more(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	reap_all(arg);
}

static void on_signal(evutil_socket_t fd, short what, void *arg)
{
	struct launch *l = arg;
	struct signalfd_siginfo info;
	bool child = false;

	(void)fd;
	(void)what;
	/* If the target runs, init has reported it. Read that first: else init would forward a
	 * signal that the target may have got from the terminal already. */
	if (l->cloned.reported.sock >= 0 && l->cloned.reported.target.pid == 0)
		take_reports(l, true);
	while (signals_read(l->signals, &info)) {
		if (info.ssi_signo == SIGCONT && l->cloned.child.pid > 0)
			continue_init(l);
		if (info.ssi_signo == SIGCHLD)
			child = true;
		else if (l->cloned.reported.target.pid > 0)
			signal_forward(&info, &l->cloned.reported.target);
		else if (l->cloned.child.pid > 0)
			signal_forward(&info, &l->cloned.child);
		else
			leftovers_on_signal(&l->leftovers, (int)info.ssi_signo);
	}
	if (child)
		reap_all(l);
}

/* Callback of log_on_loss(): try again every second until the log is read. */
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

/* Release memory and code of the launch: most of the program is not needed again. */
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
		event_new(l->serve.base, l->cloned.sock, EV_READ | EV_PERSIST, on_handshake, l);
	l->loop.on_signal =
		event_new(l->serve.base, l->signals->all, EV_READ | EV_PERSIST, on_signal, l);
	l->loop.on_timeout = event_new(l->serve.base, -1, 0, on_timeout, l);
	if (l->cloned.reported.sock >= 0) {
		l->loop.on_report = event_new(l->serve.base, l->cloned.reported.sock,
					      EV_READ | EV_PERSIST, on_report, l);
		if (!l->loop.on_report || event_add(l->loop.on_report, NULL) < 0)
			return err_set(err, ENOMEM, "setting up the event loop");
	}
	l->loop.on_more = event_new(l->serve.base, -1, 0, on_more, l);
	if (!l->loop.on_more || !l->loop.on_handshake || !l->loop.on_signal ||
	    !l->loop.on_timeout || event_add(l->loop.on_handshake, NULL) < 0 ||
	    event_add(l->loop.on_signal, NULL) < 0)
		return err_set(err, ENOMEM, "setting up the event loop");
	if (children_watch(&l->children, l->cloned.child.pid, on_child, l) < 0)
		return err_set(err, ENOMEM, "setting up the event loop");
	rc = leftovers_supervise(&l->leftovers, l->serve.base, &l->children,
				 l->config->kill_timeout, err);
	if (rc == 0)
		rc = etc_watch(l, err);
	if (rc < 0)
		return rc;
	events_observe(l);
	rc = notify_serve(l->prepared.notify, l->serve.base, err);
	if (rc == 0)
		rc = ports_supervise(&l->ports, l->serve.base, &l->children, &ports_events, l, err);
	if (rc == 0)
		rc = ports_supervise(&l->host_ports, l->serve.base, &l->children,
				     &host_ports_events, l, err);
	if (rc == 0)
		rc = naming_supervise(l, &names_events, err);
	if (rc < 0)
		return rc;
	if (l->accel.running)
		accel_supervise(l->accel.running, l->serve.base, &l->children);
	net_supervise(&l->net, l->serve.base, &l->children, &net_events, l);
	/* If this fails, the memory is not released. */
	(void)event_base_once(l->serve.base, -1, EV_TIMEOUT, on_launched, NULL, &launched);
	/* A SIGCHLD is pending for children that exited before the loop runs. */
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
	struct event **const events[] = {&l->loop.on_log,    &l->loop.on_handshake,
					 &l->loop.on_signal, &l->loop.on_timeout,
					 &l->loop.on_report, &l->loop.on_more};

	log_on_loss(NULL, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(events); i++)
		if (*events[i])
			event_free(TAKE_PTR(*events[i]));
	leftovers_clear(&l->leftovers);
	etcfollow_clear(&l->etc);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/proc/kept.h"

#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/base/str.h"
#include "fauxroot/proc/children.h"

/* The delay after the first, second, … death in the window. A single death causes no delay. After
 * further deaths the delay lets a temporary problem pass. */
static const int delays_ms[KEPT_DEATHS - 1] = {0, 100, 500, 2000};

void kept_init(struct kept *kept, const struct kept_ops *ops, void *arg)
{
	*kept = (struct kept){
		.ops = ops,
		.arg = arg,
		.now_ms = clock_ms,
		.stopped_ms = -1,
		.short_since_ms = -1,
	};
}

bool kept_is_shortage(int rc)
{
	switch (-rc) {
	case EAGAIN:	/* RLIMIT_NPROC, pids.max (man 2 fork) */
	case EMFILE:	/* RLIMIT_NOFILE */
	case ENFILE:	/* fs.file-max */
	case ENOMEM:	/* memory, kernel memory of a cgroup */
	case ENOBUFS:	/* socket buffers */
	case ENOSPC:	/* fs.epoll.max_user_watches, a full tmpfs */
	case ETIMEDOUT: /* time */
	/* RLIMIT_NOFILE: descriptors that all processes of the user are passing (man 7 unix) */
	case ETOOMANYREFS:
		return true;
	default:
		return false;
	}
}

bool kept_is_gone(int rc)
{
	return rc == -EPIPE || rc == -ECONNRESET || rc == -ETIMEDOUT || rc == -EPROTO;
}

static void give_up(struct kept *kept, const struct error *err)
{
	struct error lost = *err;

	kept->state = KEPT_LOST;
	(void)err_step(&lost, -lost.code, kept->ops->step);
	kept->ops->lost(kept->arg, &lost);
}

static void start_in(struct kept *kept, int delay_ms)
{
	const struct timeval delay = timeval_ms(delay_ms);
	struct error err;

	kept->state = KEPT_WAITING;
	kept->delay_ms = delay_ms;
	if (kept->supervised && event_add(&kept->timer, &delay) == 0)
		return;
	(void)err_say(&err, ENOMEM, "%s cannot be restarted: no timer", kept->ops->name);
	give_up(kept, &err);
}

static unsigned max_deaths(const struct kept *kept)
{
	return kept->ops->deaths ? kept->ops->deaths : KEPT_DEATHS;
}

static int window_ms(const struct kept *kept)
{
	return kept->ops->window_ms ? kept->ops->window_ms : KEPT_WINDOW_MS;
}

/* Count a death; returns the number of deaths in the window that ends now. */
static unsigned note_death(struct kept *kept, int64_t now)
{
	unsigned recent = 0;

	kept->deaths_ms[kept->n_deaths++ % KEPT_DEATHS] = now;
	for (unsigned i = 0; i < MIN(kept->n_deaths, (unsigned)KEPT_DEATHS); i++)
		recent += now - kept->deaths_ms[i] < window_ms(kept);
	return recent;
}

/* The process dies now: how many times in a row has it died before within the window after a start?
 * 0 if it has now lived longer. */
static unsigned short_lives(const struct kept *kept)
{
	return kept->now_ms() - kept->tried_ms < window_ms(kept) ? kept->n_short : 0;
}

/* Deaths every few seconds must not fill the log. */
static enum log_level level_of(const struct kept *kept)
{
	return kept->ops->persistent && short_lives(kept) >= max_deaths(kept) ? LOG_LEVEL_DEBUG
									      : LOG_LEVEL_WARNING;
}

void kept_observe(struct children *children, const struct kept_observer *observer)
{
	children->kept = observer;
}

static const struct kept_observer *observer_of(const struct kept *kept)
{
	return kept->supervised ? kept->children->kept : NULL;
}

static void report_death(struct kept *kept, const char *why)
{
	const struct kept_observer *observer = observer_of(kept);

	if (observer && !kept->is_down)
		observer->died(observer->arg, kept->ops->name, why);
	kept->is_down = true;
}

static void report_restart(struct kept *kept)
{
	const struct kept_observer *observer = observer_of(kept);

	if (observer && kept->is_down)
		observer->restarted(observer->arg, kept->ops->name);
	kept->is_down = false;
}

/* Restart a persistent process that has died. */
static void start_again(struct kept *kept)
{
	if (kept->n_short < max_deaths(kept)) {
		start_in(kept, delays_ms[kept->n_short - 1]);
		return;
	}
	if (kept->n_short == max_deaths(kept))
		log_warning("%s died %u times in a row; it is now restarted every %d s",
			    kept->ops->name, kept->n_short, KEPT_STEP_MAX_MS / 1000);
	start_in(kept, KEPT_STEP_MAX_MS);
}

void kept_died(struct kept *kept, const char *why)
{
	unsigned recent;
	struct error err;

	if (kept->state != KEPT_STARTED)
		return;
	kept->stopped_ms = -1;
	report_death(kept, why);
	recent = note_death(kept, kept->now_ms());
	kept->n_short = short_lives(kept) + 1;
	if (kept->ops->persistent) {
		start_again(kept);
		return;
	}
	if (recent < max_deaths(kept)) {
		start_in(kept, delays_ms[MAX(recent, 1U) - 1]);
		return;
	}
	(void)err_say(&err, ECHILD, "%s died %d times in %d s, the last time: %s", kept->ops->name,
		      (int)max_deaths(kept), window_ms(kept) / 1000, why);
	give_up(kept, &err);
}

/* Retry a start that has failed because of a shortage. */
static void wait_out(struct kept *kept, struct error *err)
{
	int64_t now = kept->now_ms();
	int delay_ms = KEPT_STEP_MS;

	if (kept->short_since_ms < 0) {
		kept->short_since_ms = now;
		log_warning("restarting %s: %s; retrying", kept->ops->name, err->text);
	} else {
		log_debug("restarting %s: %s", kept->ops->name, err->text);
		delay_ms = MIN(kept->delay_ms * 2, KEPT_STEP_MAX_MS);
	}
	if (kept->ops->persistent || now - kept->short_since_ms < KEPT_PATIENCE_MS) {
		start_in(kept, MAX(delay_ms, KEPT_STEP_MS));
		return;
	}
	(void)err_wrap(err, -err->code, "restarting %s failed for %d s, the last time",
		       kept->ops->name, KEPT_PATIENCE_MS / 1000);
	give_up(kept, err);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct kept *kept = arg;
	struct error err = {0};
	int rc;

	(void)fd;
	(void)what;
	kept->state = KEPT_STARTED;
	kept->tried_ms = kept->now_ms();
	rc = kept->ops->start(kept->arg, &err);
	if (rc == 0) {
		kept_restarted(kept);
	} else if (kept_is_shortage(rc)) {
		wait_out(kept, &err);
	} else {
		log_write(level_of(kept), "restarting %s: %s", kept->ops->name, err.text);
		kept_died(kept, err.text);
	}
}

void kept_supervise(struct kept *kept, struct event_base *base, struct children *children)
{
	event_assign(&kept->timer, base, -1, 0, on_timer, kept);
	kept->children = children;
	kept->supervised = true;
}

/* Did it exit because its leader is dead? The death of the leader is reported next. */
static bool has_followed(const struct kept *kept, int status)
{
	struct deadline soon = deadline_in(KEPT_FOLLOW_MS);

	return kept->leader && WIFEXITED(status) && WEXITSTATUS(status) == 0 &&
	       kept->leader->pidfd >= 0 && fd_wait(kept->leader->pidfd, POLLIN, &soon, -1) == 0;
}

static void stopped(struct kept *kept)
{
	bool again = !kept_stopped(kept);

	log_warning("%s was stopped%s", kept->ops->name,
		    again ? " again; killing it" : "; continuing it");
	kept->stopped_again = again;
	process_signal(kept->process, again ? SIGKILL : SIGCONT);
}

/* children_watch() */
static void on_changed(void *arg, int status)
{
	struct kept *kept = arg;
	char why[KEPT_WHY_MAX];

	if (WIFSTOPPED(status)) {
		stopped(kept);
		return;
	}
	process_forget(kept->process);
	if (has_followed(kept, status))
		return;
	(void)process_status_text(status, why, sizeof(why));
	if (kept->ops->ended)
		kept->ops->ended(kept->arg, status, why, sizeof(why));
	if (kept->stopped_again)
		(void)str_print(why, sizeof(why), "it was stopped again");
	log_write(level_of(kept), "%s died: %s", kept->ops->name, why);
	kept_died(kept, why);
}

void kept_watch(struct kept *kept, struct process *process)
{
	kept->process = process;
	kept->stopped_again = false;
	/* Cannot fail: the process is our own fork. */
	if (kept->supervised && process->pid > 0)
		(void)children_watch(kept->children, process->pid, on_changed, kept);
}

void kept_follow(struct kept *kept, const struct process *leader)
{
	kept->leader = leader;
}

bool kept_stopped(struct kept *kept)
{
	int64_t now = kept->now_ms();
	bool again = kept->stopped_ms >= 0 && now - kept->stopped_ms < KEPT_WINDOW_MS;

	kept->stopped_ms = now;
	return !again;
}

void kept_start(struct kept *kept)
{
	start_in(kept, 0);
}

void kept_restarted(struct kept *kept)
{
	if (kept->short_since_ms >= 0)
		log_info("%s was restarted after %lld s", kept->ops->name,
			 (long long)(kept->now_ms() - kept->short_since_ms + 500) / 1000);
	kept->short_since_ms = -1;
	report_restart(kept);
	if (kept->state != KEPT_WAITING)
		return;
	(void)event_del(&kept->timer);
	kept->state = KEPT_STARTED;
}

void kept_clear(struct kept *kept)
{
	if (kept->supervised)
		(void)event_del(&kept->timer);
	if (kept->supervised && kept->process && kept->process->pid > 0)
		(void)children_watch(kept->children, kept->process->pid, NULL, NULL);
	kept->supervised = false;
}

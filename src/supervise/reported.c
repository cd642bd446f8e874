/* SPDX-License-Identifier: Apache-2.0 */
/* The launcher's side of init's reports. reports.h explains why only the first one is trusted. */
#include "fauxroot/supervise/reported.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"
#include "fauxroot/supervise/job.h"
#include "fauxroot/supervise/reports.h"
#include "fauxroot/supervise/terminal.h"
#include "fauxroot/sys/nudge.h"

/* Reading them takes so long at most: see sys/nudge.h. */
#define NUDGE_MS 10

/* The number of reports to read at once: the command can forge them without end. */
#define MAX_REPORTS 64

/*
 * Ctrl-Z must not stop a command that no shell can continue. The kernel ensures that for orphaned
 * process groups, but the command's group does not count as orphaned: the command's parent, init,
 * is in another group of the session.
 */
static void stop_too(const struct process *target, int status)
{
	if (!terminal_stop(target) && WSTOPSIG(status) == SIGTSTP)
		process_signal(target, SIGCONT);
}

/* Process one report. @stopped: set to the status of a stop. */
static void take(struct reported *reported, const struct report *report, int *stopped)
{
	switch (report->type) {
	case REPORT_STARTED:
		/* Trust the first STARTED: the command did not run yet. */
		if (process_from_pidfd(report->pidfd, &reported->target) < 0)
			fd_close(report->pidfd);
		break;
	case REPORT_STOPPED:
		*stopped = report->status;
		break;
	case REPORT_ENDED:
		reported->ended = true;
		reported->status = report->status;
		/* Forward signals to init again: it may still terminate orphans. */
		process_forget(&reported->target);
		break;
	}
}

bool reported_take(struct reported *reported, bool live)
{
	struct report report;
	struct nudge nudge;
	int rc = 0, stopped = 0;

	/* A forged report may have any descriptor. */
	nudge_begin(&nudge, NUDGE_MS);
	for (int i = 0; i < MAX_REPORTS && !reported->ended; i++) {
		rc = report_recv(reported->sock, reported->target.pid > 0, &report);
		if (rc <= 0)
			break;
		take(reported, &report, &stopped);
	}
	nudge_end(&nudge);
	if (rc == -EPROTO)
		log_warning("invalid report from init; using its exit status");
	else if (rc < 0 && rc != -ECONNRESET)
		log_warning("receiving init's report: %s; using its exit status", strerror(-rc));
	/* If the command has exited, do not stop: nothing would continue us. */
	if (live && stopped && !reported->ended && job_is_stopped(&reported->target))
		stop_too(&reported->target, stopped);
	return reported->ended || rc < 0;
}

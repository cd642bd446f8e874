/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two clones of a trial, as in a launch: the middle process in a user namespace that is mapped
 * from outside, and below it the child. The middle process ends once the child is there.
 */
#include "trial.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/idmap/idmap.h"
#include "fauxroot/sys/message.h"

/* In the middle process, once its ids are mapped. */
_noreturn_ static void middle(const struct trial_plan *plan, const struct idmap *map,
			      unsigned long flags, int sock)
{
	struct trial_report report = {.trial = TRIAL_CLONE};
	struct process child = PROCESS_NONE;
	char word;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (message_recv(sock, &word, 1, NULL, NULL) != 1)
		_exit(0);
	report.outcome.rc = idmap_clone(map, flags, &child, &report.outcome.err);
	if (report.outcome.rc == 0) {
		fd_close(sock);
		trial_child(plan);
	}
	if (report.outcome.rc > 0) {
		int rc = idmap_repeat(map, child.pid, &report.outcome.err);

		report.outcome.rc = rc < 0 ? rc : 1;
	}
	if (report.outcome.rc > 0) {
		int rc = message_send(sock, &report, sizeof(report), &child.pidfd, 1);

		if (rc == 0)
			_exit(0);
		report.outcome.rc = err_set(&report.outcome.err, -rc, "sending a descriptor");
	}
	(void)message_send(sock, &report, sizeof(report), NULL, 0);
	_exit(0);
}

int trial_clone_middle(struct trials *t, const struct trial_plan *plan, const struct idmap *map,
		       unsigned long flags, struct error *err)
{
	int pair[2], rc = message_pair(pair);

	if (rc < 0)
		return err_set(err, -rc, "making a socket pair");
	rc = ns_clone(CLONE_NEWUSER, &t->middle.process, err);
	if (rc == 0) {
		fd_close(pair[0]);
		fd_close(plan->peer_sock);
		middle(plan, map, flags, pair[1]);
	}
	fd_close(pair[1]);
	t->middle.sock = pair[0];
	return rc < 0 ? rc : ns_pin(t->middle.process.pid, CLONE_NEWUSER, &t->ns, err);
}

int trial_clone_child(struct trials *t, struct error *err)
{
	struct deadline deadline = deadline_in(TRIAL_MS);
	_cleanup_close_ int pidfd = -1;
	struct trial_report report;
	size_t n = 1;
	int rc = message_send(t->middle.sock, "", 1, NULL, 0);

	if (rc == 0)
		rc = fd_wait(t->middle.sock, POLLIN, &deadline, t->cancel_fd);
	if (rc < 0)
		return err_set(err, -rc, "making the command's user namespace");
	if (message_recv(t->middle.sock, &report, sizeof(report), &pidfd, &n) != sizeof(report))
		return err_say(err, ECONNRESET, "the middle process has gone");
	if (report.outcome.rc < 0) {
		rc = err_arrived(&report.outcome.err);
		*err = report.outcome.err;
		return rc;
	}
	rc = process_of_pidfd(pidfd, &t->child);
	if (rc < 0)
		return err_set(err, -rc, "finding the child's process");
	pidfd = -1;
	return 0;
}

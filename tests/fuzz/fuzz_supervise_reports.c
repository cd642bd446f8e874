/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports forged by a command, and init's argument word: an accepted report has a status that
 * waitpid(2) can report, and printing accepted arguments gives the same arguments again.
 */
#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/str.h"
#include "fauxroot/supervise/initargs.h"
#include "fauxroot/supervise/reports.h"
#include "fauxroot/sys/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_report(const uint8_t *data, size_t size)
{
	struct report report, again;
	int socks[2], rc;

	if (reports_open(socks) < 0)
		return;
	if (message_send(socks[1], data, size, NULL, 0) == 0) {
		rc = report_recv(socks[0], false, &report);
		assert(rc == 1 || rc == -EPROTO || (rc == -ECONNRESET && size == 0));
		/* No descriptor was sent. */
		assert(rc != 1 || (report.type != REPORT_STARTED && report.pidfd == -1));
		if (rc == 1 && report.type == REPORT_STOPPED)
			assert(WIFSTOPPED(report.status) && strsignal(WSTOPSIG(report.status)));
		if (rc == 1 && report.type == REPORT_ENDED)
			assert(WIFEXITED(report.status) !=
			       (WIFSIGNALED(report.status) && WTERMSIG(report.status) <= SIGRTMAX));
		if (rc == 1) {
			assert(report_send(socks[1], &report) == 0);
			assert(report_recv(socks[0], false, &again) == 1);
			assert(again.type == report.type && again.status == report.status);
		}
	}
	fd_close(socks[0]);
	fd_close(socks[1]);
}

static void check_arguments(const uint8_t *data, size_t size)
{
	char text[INITARGS_MAX + 8], again[INITARGS_MAX];
	struct init_args args, got;

	size = MIN(size, sizeof(text) - 1);
	memcpy(text, data, size);
	text[size] = '\0';
	if (initargs_parse(text, &args) < 0)
		return;
	assert(args.sock > 2 && args.reports > 2 && args.sock != args.reports);
	assert(initargs_parse(initargs_format(&args, again, sizeof(again)), &got) == 0);
	assert(got.sock == args.sock && got.reports == args.reports &&
	       got.reap_all == args.reap_all && got.activated == args.activated &&
	       got.launcher == args.launcher && got.kill_orphans == args.kill_orphans &&
	       got.kill_timeout == args.kill_timeout && got.caller_mask == args.caller_mask);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] & 1)
		check_report(data + 1, size - 1);
	else
		check_arguments(data + 1, size - 1);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/supervise/reports.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/wait.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/libc.h"
#include "fauxroot/sys/message.h"

struct record {
	uint32_t type;
	int32_t status;
};

int reports_open(int ret_socks[2])
{
	int socks[2], rc = message_pair(socks);

	if (rc < 0)
		return rc;
	for (int i = 0; i < 2; i++)
		if (fcntl(socks[i], F_SETFL, O_NONBLOCK) < 0) {
			rc = -errno;
			fd_close(socks[0]);
			fd_close(socks[1]);
			return rc;
		}
	ret_socks[0] = socks[0];
	ret_socks[1] = socks[1];
	return 0;
}

int report_send(int sock, const struct report *report)
{
	struct record record = {.type = report->type, .status = report->status};

	return message_send(sock, &record, sizeof(record), &report->pidfd, report->pidfd >= 0);
}

/* Is the type known, and can waitpid(2) report this status? */
static bool is_sound(const struct record *record, bool has_fd)
{
	int status = record->status;

	if (has_fd != (record->type == REPORT_STARTED))
		return false;
	switch (record->type) {
	case REPORT_STARTED:
		return status == 0;
	case REPORT_STOPPED:
		return WIFSTOPPED(status) && status == W_STOPCODE(WSTOPSIG(status)) &&
		       WSTOPSIG(status) > 0 && WSTOPSIG(status) <= SIGRTMAX;
	case REPORT_ENDED:
		if (WIFEXITED(status))
			return status == W_EXITCODE(WEXITSTATUS(status), 0);
		return WIFSIGNALED(status) && WTERMSIG(status) <= SIGRTMAX &&
		       (status & ~WCOREFLAG) == W_EXITCODE(0, WTERMSIG(status));
	default:
		return false;
	}
}

int report_recv(int sock, bool started, struct report *ret)
{
	_cleanup_close_ int pidfd = -1;
	struct record record;
	size_t n_fds = started ? 0 : 1;
	ssize_t n = message_recv(sock, &record, sizeof(record), &pidfd, &n_fds);

	if (n == -EAGAIN)
		return 0;
	if (n == 0 || n == -ECONNRESET)
		return -ECONNRESET;
	if (n < 0 && n != -EMSGSIZE)
		return (int)n;
	if (n != sizeof(record) || !is_sound(&record, n_fds == 1))
		return -EPROTO;
	*ret = (struct report){
		.type = (enum report_type)record.type,
		.status = record.status,
		.pidfd = TAKE_FD(pidfd),
	};
	return 1;
}

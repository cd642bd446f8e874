/* SPDX-License-Identifier: Apache-2.0 */
#include "verdict.h"

#include <errno.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/sys/message.h"

static void close_all(int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fds[i] = fd_close(fds[i]);
}

int verdict_recv(int sock, const char *name, struct verdict *ret, int *fds, size_t n_fds,
		 struct error *err)
{
	size_t received = n_fds;
	ssize_t n = message_recv(sock, ret, sizeof(*ret), n_fds > 0 ? fds : NULL, &received);
	int rc = 0;

	if (n < 0 || n_fds == 0)
		received = 0;
	if (n < 0 && n != -ECONNRESET) {
		/* The process has sent a record, and we cannot receive all of it. */
		rc = n == -EPROTO ? err_say(err, EPROTO, "%s sent more than %zu descriptors", name,
					    n_fds)
				  : err_set(err, (int)-n, "receiving the result of %s", name);
	} else if (n != sizeof(*ret) || ret->rc > 0) {
		rc = err_say(err, EPROTO, "%s exited without a result", name);
	} else if (ret->rc < 0) {
		rc = err_check_received(&ret->err);
		if (err)
			*err = ret->err;
	} else if (received != n_fds) {
		rc = err_say(err, EPROTO, "%s sent %zu descriptors instead of %zu", name, received,
			     n_fds);
	}
	if (rc < 0)
		close_all(fds, received);
	return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "verdict.h"

#include <errno.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/sys/message.h"

int verdict_recv(int sock, const char *name, struct verdict *ret, int *fd, struct error *err)
{
	_cleanup_close_ int came = -1;
	size_t n_fds = fd ? 1 : 0;
	ssize_t n = message_recv(sock, ret, sizeof(*ret), fd ? &came : NULL, &n_fds);
	int rc;

	if (n != sizeof(*ret) || ret->rc > 0)
		return err_say(err, EPROTO, "%s exited without a result", name);
	if (ret->rc < 0) {
		rc = err_check_received(&ret->err);
		if (err)
			*err = ret->err;
		return rc;
	}
	if (fd)
		*fd = TAKE_FD(came);
	return 0;
}

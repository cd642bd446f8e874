/* SPDX-License-Identifier: Apache-2.0 */
#include "socket.h"

#include <errno.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/sys/unix.h"

int socket_listen(const char *dir, const char *name, int type, int *ret, struct error *err)
{
	_cleanup_close_ int fd = -1;
	int rc = unix_bind(dir, name, type, &fd, err);

	if (rc < 0)
		return rc;
	unix_refuse_fds(fd);
	if (listen(fd, SOMAXCONN) < 0)
		return err_set(err, errno, "listening on \"%s/%s\"", dir, name);
	*ret = TAKE_FD(fd);
	return 0;
}

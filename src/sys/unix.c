/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/sys/unix.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/str.h"

int unix_bind(const char *dir, const char *name, int type, int *ret, struct error *err)
{
	_cleanup_close_ int fd = -1;
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	mode_t saved;
	int rc;

	if (str_print(addr.sun_path, sizeof(addr.sun_path), "%s/%s", dir, name) < 0)
		return err_set(err, ENAMETOOLONG, "binding \"%s/%s\"", dir, name);
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set(err, errno, "making a socket for \"%s\"", addr.sun_path);
	/* bind(2) makes the file with 0777 less the umask: right from its first moment. */
	saved = umask(0177);
	rc = bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0 ? errno : 0;
	umask(saved);
	if (rc != 0)
		return err_set(err, rc, "binding \"%s\"", addr.sun_path);
	*ret = TAKE_FD(fd);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/sys/unix.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/str.h"
#include "fauxroot/sys/mount.h"

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

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
		return err_set(err, errno, "creating a socket for \"%s\"", addr.sun_path);
	/* bind(2) creates the file with mode 0777 minus the umask, so its mode is right from the
	 * start. */
	saved = umask(0177);
	rc = bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0 ? errno : 0;
	umask(saved);
	if (rc != 0)
		return err_file(err, rc, addr.sun_path, "binding \"%s\"", addr.sun_path);
	*ret = TAKE_FD(fd);
	return 0;
}

/* Open the socket's file with O_PATH; @ret_path gets a path that leads to exactly this file. */
static int open_socket(const char *path, char *ret_path, size_t size)
{
	_cleanup_close_ int place = place_open(path);
	struct stat st;

	if (place < 0)
		return place;
	if (fstat(place, &st) < 0)
		return -errno;
	if (!S_ISSOCK(st.st_mode))
		return -ENOTSOCK;
	(void)str_print(ret_path, size, "/proc/self/fd/%d", place);
	return TAKE_FD(place);
}

int unix_connect(const char *path, int type, int *ret)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	_cleanup_close_ int place = open_socket(path, addr.sun_path, sizeof(addr.sun_path));
	_cleanup_close_ int fd = -1;

	if (place < 0)
		return place;
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0)
		return -errno;
	*ret = TAKE_FD(fd);
	return 0;
}

void unix_refuse_fds(int sock)
{
	const int takes = 0;

	(void)setsockopt(sock, SOL_SOCKET, SO_PASSRIGHTS, &takes, sizeof(takes));
}

bool unix_takes_fds(int sock)
{
	socklen_t size = sizeof(int);
	int takes = 1;

	return getsockopt(sock, SOL_SOCKET, SO_PASSRIGHTS, &takes, &size) < 0 || takes;
}

int unix_chmod(const char *path, unsigned mode)
{
	char found[32];
	_cleanup_close_ int place = open_socket(path, found, sizeof(found));

	if (place < 0)
		return place;
	return chmod(found, (mode_t)mode) < 0 ? -errno : 0;
}

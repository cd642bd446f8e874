/* SPDX-License-Identifier: Apache-2.0 */
#include "links.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"
#include "fauxroot/sys/mount.h"
#include "fauxroot/sys/peer.h"
#include "statepath.h"

const char *links_runtime_dir(void)
{
	const char *base = getenv("XDG_RUNTIME_DIR");

	return base && base[0] == '/' ? base : NULL;
}

int links_open(bool make, struct error *err)
{
	const char *base = links_runtime_dir();
	_cleanup_close_ int parent = -1, dir = -1;
	struct stat st;
	int rc;

	if (!base)
		return err_say(err, ENOENT, "XDG_RUNTIME_DIR is not set");
	parent = open(base, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (parent < 0)
		return err_set(err, errno, "opening \"%s\"", base);
	rc = make ? mkdir_private(parent, INSTANCES_DIR) : 0;
	if (rc < 0 && rc != -EEXIST)
		return err_set(err, -rc, "making \"%s/" INSTANCES_DIR "\"", base);
	dir = openat(parent, INSTANCES_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0 || fstat(dir, &st) < 0)
		return err_set(err, errno, "opening \"%s/" INSTANCES_DIR "\"", base);
	if (st.st_uid != geteuid())
		return err_say(err, EPERM,
			       "\"%s/" INSTANCES_DIR "\" belongs to uid %u, and we are uid %u",
			       base, (unsigned)st.st_uid, (unsigned)geteuid());
	return TAKE_FD(dir);
}

int links_read(int dir, const char *name, char buf[PATH_MAX])
{
	ssize_t n = readlinkat(dir, name, buf, PATH_MAX);

	if (n < 0)
		return -errno;
	if (n == PATH_MAX)
		return -EINVAL;
	buf[n] = '\0';
	return 0;
}

enum life links_life(pid_t pid, const char *state_dir)
{
	/* The path of a state directory has no links in it. Do not follow one: a link that the
	 * target made may lead to a file system that hangs, for example through /proc/PID/root. */
	_cleanup_close_ int dir = place_open(state_dir);
	_cleanup_close_ int fd =
		dir < 0 ? -1
			: openat(dir, "lock",
				 O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	/* Inside an instance /proc and PIDs may be others than those of the launchers. */
	if (fd < 0)
		return kill(pid, 0) < 0 && errno == ESRCH && peer_initial_userns() ? DEAD : UNSEEN;
	if (flock(fd, LOCK_SH | LOCK_NB) == 0)
		return DEAD;
	return errno == EWOULDBLOCK ? ALIVE : UNSEEN;
}

/* A PID has one name, without leading zeros. 0 if @name is not a PID. */
static pid_t pid_of(const char *name)
{
	uint32_t pid;

	return parse_u32(name, INT_MAX, &pid) == 0 && name[0] != '0' ? (pid_t)pid : 0;
}

int links_walk(int dir, int (*each)(void *arg, pid_t pid, const char *name), void *arg)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
	DIR *stream = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;

	if (!stream) {
		rc = -errno;
		fd_close(copy);
		return rc;
	}
	while (rc == 0 && (entry = readdir(stream)))
		if (!streq(entry->d_name, ".") && !streq(entry->d_name, ".."))
			rc = each(arg, pid_of(entry->d_name), entry->d_name);
	closedir(stream);
	return rc;
}

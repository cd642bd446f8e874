/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Readers open child_pid as soon as it appears, so a file must appear complete: it is written under
 * another name, then renamed. fsync(2) is not needed. It would order the data before the rename for
 * a crash of the machine, but no state survives a crash: the next launch empties the directory. In
 * a running kernel readers see the write before the rename anyway.
 */
#include "fauxroot/state/statedir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/str.h"

/* Make a new file. Only we use this name, so an existing file is left over and is removed. */
static int make_new(int dir, const char *name)
{
	for (int i = 0; i < 2; i++) {
		int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
				0600);

		if (fd >= 0)
			return fd;
		if (errno != EEXIST || unlinkat(dir, name, 0) < 0)
			return -errno;
	}
	return -EEXIST;
}

/* Set the mode by descriptor, independent of the umask. Only close(2) confirms that all is written.
 */
static int fill(int fd, const void *data, size_t size, mode_t mode)
{
	int rc = fchmod(fd, mode) < 0 ? -errno : fd_write_all(fd, data, size);

	if (close(fd) < 0 && rc == 0)
		rc = -errno;
	return rc;
}

int statedir_write(const struct statedir *dir, const char *name, const void *data, size_t size,
		   mode_t mode, struct error *err)
{
	char temporary[64];
	int fd, rc;

	rc = str_print(temporary, sizeof(temporary), ".%s.new", name);
	if (rc < 0)
		return err_step(err, err_set(err, -rc, "writing \"%s\"", name), STEP_STATEDIR);
	fd = make_new(dir->dir, temporary);
	rc = fd < 0 ? fd : fill(fd, data, size, mode);
	if (rc == 0 && renameat(dir->dir, temporary, dir->dir, name) < 0)
		rc = -errno;
	if (rc == 0)
		return 0;
	if (fd >= 0)
		(void)unlinkat(dir->dir, temporary, 0);
	(void)err_set(err, -rc, "writing \"%s/%s\"", dir->path, name);
	return err_step(err, err_about(err, rc, REASON_FILE, "%s/%s", dir->path, name),
			STEP_STATEDIR);
}

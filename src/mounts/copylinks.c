/* SPDX-License-Identifier: Apache-2.0 */
/* tmpfs+symlink: the entries of the copy are links into the original. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "copyup.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/str.h"
#include "fauxroot/proc/progress.h"

/* Create a link for one entry: a copy of the entry if it is a link, otherwise a link into the
 * original. */
static int link_entry(const struct copy *copy, const char *entry)
{
	char text[PATH_MAX];
	ssize_t n = readlinkat(copy->original, entry, text, sizeof(text) - 1);

	if (n >= 0)
		text[n] = '\0';
	else if (errno == ENOENT)
		return 0; /* the host has removed it in the meantime */
	else if (errno != EINVAL)
		return -errno;
	else if (str_print(text, sizeof(text), "%s/%s", copy->original_name, entry) < 0)
		return -ENAMETOOLONG;
	return symlinkat(text, copy->cover, entry) < 0 ? -errno : 0;
}

static int copy_mode_and_owner(const struct copy *copy, struct error *err)
{
	_cleanup_close_ int dir = openat(copy->cover, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct overflow_ids overflow = overflow_ids_read();
	struct stat st;
	uid_t uid;
	gid_t gid;

	if (dir < 0 || fstat(copy->original, &st) < 0)
		return err_set(err, errno, "opening the tmpfs on %s", copy->path);
	uid = st.st_uid == overflow.uid ? 0 : st.st_uid;
	gid = st.st_gid == overflow.gid ? 0 : st.st_gid;
	/* The owner is first: chown(2) clears set-id bits. */
	if (fchown(dir, uid, gid) < 0 || fchmod(dir, st.st_mode & 07777) < 0)
		return err_set(err, errno, "setting owner and mode of the tmpfs on %s", copy->path);
	return 0;
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

int copy_links(struct copy *copy, struct progress *progress, struct error *err)
{
	/* The directory itself, not a mount on it. */
	_cleanup_close_ int fd = openat(copy->original, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(close_dir) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int rc;

	if (!dir)
		return copy_cannot_read("reading", copy->path, errno, err);
	fd = -1; /* closedir() closes it */
	rc = copy_mode_and_owner(copy, err);
	if (rc == 0)
		rc = copy_bind_original(copy, err);
	if (rc < 0)
		return rc;
	while ((errno = 0, entry = readdir(dir))) {
		if (streq(entry->d_name, ".") || streq(entry->d_name, ".."))
			continue;
		progress_at(progress, "copying up %s/%s", copy->path, entry->d_name);
		rc = link_entry(copy, entry->d_name);
		if (rc < 0)
			return err_set(err, -rc, "creating the link %s/%s", copy->path,
				       entry->d_name);
	}
	return errno ? copy_cannot_read("reading", copy->path, errno, err) : 0;
}

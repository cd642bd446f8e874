/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A rename over a directory entry, or its removal, detaches the mounts on it in all other mount
 * namespaces (with a mount in its own namespace it fails with EBUSY; man 2 rename, man 2 unlink).
 * NetworkManager, DHCP clients and editors replace /etc/resolv.conf and /etc/hosts like this. The
 * launcher watches the host's /etc. As soon as the entry exists again, a runner binds our file
 * again. A copy of /etc has no entry that the host could replace.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/str.h"
#include "fauxroot/sys/mount.h"
#include "private.h"

int etcfiles_watch_open(void)
{
	_cleanup_close_ int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (watch < 0)
		return -errno;
	if (inotify_add_watch(watch, "/etc", IN_CREATE | IN_MOVED_TO | IN_ONLYDIR) < 0)
		return -errno;
	return TAKE_FD(watch);
}

static bool is_ours(const struct inotify_event *event)
{
	if (event->mask & IN_Q_OVERFLOW)
		return true; /* events were lost: check */
	for (int i = 0; i < ETCFILE_COUNT_ && event->len > 0; i++)
		if (streq(event->name, etcfile_names[i]))
			return true;
	return false;
}

int etcfiles_watch_read(int watch)
{
	_Alignas(struct inotify_event) char buf[4096];
	bool replaced = false;
	ssize_t n;

	while ((n = read(watch, buf, sizeof(buf))) > 0) {
		for (const char *at = buf; at < buf + n;) {
			const struct inotify_event *event = (const void *)at;

			replaced |= is_ours(event);
			at += sizeof(*event) + event->len;
		}
	}
	if (n < 0 && errno != EAGAIN)
		return -errno;
	return replaced;
}

static int repair_one(int file, int etc, const char *name)
{
	_cleanup_close_ int entry = place_open_at(etc, name);
	int rc;

	if (entry == -ENOENT)
		return 0;
	if (entry < 0)
		return entry;
	if (place_is_mount(entry))
		return 0;
	rc = etcfile_bind(file, etc, name);
	return rc == -ENOENT ? 0 : rc;
}

int etcfiles_repair(const struct etcfiles *files, struct error *err)
{
	for (int i = 0; i < ETCFILE_COUNT_; i++) {
		int rc = repair_one(files->fd[i], files->etc, etcfile_names[i]);

		if (rc < 0)
			return err_set(err, -rc, "binding our file on /etc/%s again",
				       etcfile_names[i]);
	}
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A rename over a directory entry, or its removal, detaches the mounts on it in all other mount
 * namespaces (with a mount in its own namespace it fails with EBUSY; man 2 rename, man 2 unlink).
 * NetworkManager, DHCP clients and editors replace /etc/resolv.conf and /etc/hosts like this. As
 * soon as the entry exists again, a runner binds our file again. A copy of /etc has no entry that
 * the host could replace.
 *
 * The files may also change where their links lead: /etc/resolv.conf is a link into
 * /run/systemd/resolve, /run/NetworkManager, /mnt/wsl and others. A path is resolved component by
 * component, as the kernel does it. The directory of each component is watched for the component's
 * name. So each change of a file, a link or a directory on the way is seen: replaced, edited,
 * removed or created.
 */
#include "fauxroot/mounts/etcwatch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/str.h"
#include "fauxroot/mounts/etcfiles.h"
#include "fauxroot/sys/mount.h"
#include "private.h"

/* As many links as the kernel follows (man 7 path_resolution). */
#define LINKS_MAX 40

#define EVENTS                                                                              \
	(IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_MODIFY | IN_CLOSE_WRITE | \
	 IN_ONLYDIR)

/* A path whose components are being resolved. */
struct walk {
	char at[PATH_MAX];   /* the directory so far; "": the root */
	char rest[PATH_MAX]; /* relative to it */
	int links;
};

/* Watch the directory @dir for the entry @name. Returns 0 or -errno. */
static int watch_entry(struct etcwatch *watch, const char *dir, const char *name)
{
	int wd = inotify_add_watch(watch->fd, *dir ? dir : "/", EVENTS);
	bool is_entry = streq(dir, "/etc") &&
			(streq(name, etcfile_names[0]) || streq(name, etcfile_names[1]));
	size_t i = 0;

	if (wd < 0)
		return -errno;
	while (i < watch->n && (watch->items[i].wd != wd || !streq(watch->items[i].name, name)))
		i++;
	if (i == ETCWATCH_MAX)
		return -ENOSPC;
	if (i == watch->n) {
		char *copy = strdup(name);

		if (!copy)
			return -ENOMEM;
		watch->items[watch->n].name = copy;
		watch->items[watch->n++].wd = wd;
	}
	watch->items[i].is_entry = is_entry;
	watch->items[i].is_kept = true;
	return 0;
}

/* Take the first component of the rest. Returns false at the end, or if it does not fit. */
static bool take_component(struct walk *walk, char *name, size_t size)
{
	const char *start = walk->rest + strspn(walk->rest, "/");
	size_t n = strcspn(start, "/");

	if (n == 0 || n >= size)
		return false;
	*(char *)mempcpy(name, start, n) = '\0';
	memmove(walk->rest, start + n, strlen(start + n) + 1);
	return true;
}

/* Go to the entry @name of the current directory. Returns false at the end of the path. */
static bool step(struct walk *walk, const char *name)
{
	char path[PATH_MAX], target[PATH_MAX], rest[PATH_MAX];
	struct stat st;
	ssize_t n;

	if (str_print(path, sizeof(path), "%s/%s", walk->at, name) < 0 || lstat(path, &st) < 0)
		return false;
	if (!S_ISLNK(st.st_mode))
		return S_ISDIR(st.st_mode) &&
		       str_print(walk->at, sizeof(walk->at), "%s", path) == 0;
	n = readlink(path, target, sizeof(target) - 1);
	if (n <= 0 || ++walk->links > LINKS_MAX)
		return false;
	target[n] = '\0';
	if (*target == '/')
		*walk->at = '\0';
	return str_print(rest, sizeof(rest), "%s/%s", target, walk->rest) == 0 &&
	       str_print(walk->rest, sizeof(walk->rest), "%s", rest) == 0;
}

/* Watch all components of @path. Returns 0, or -errno if "/" or "/etc" cannot be watched. */
static int follow(struct etcwatch *watch, const char *path)
{
	struct walk walk = {.links = 0};
	char name[NAME_MAX + 1];
	int rc = str_print(walk.rest, sizeof(walk.rest), "%s", path), first = rc;
	bool on = rc == 0;

	for (unsigned i = 0; on && take_component(&walk, name, sizeof(name)); i++) {
		char *slash = strrchr(walk.at, '/');

		if (streq(name, "."))
			continue;
		if (streq(name, "..")) {
			if (slash)
				*slash = '\0';
			continue;
		}
		rc = watch_entry(watch, walk.at, name);
		if (i < 2 && first == 0)
			first = rc;
		on = step(&walk, name);
	}
	return first;
}

/* Entries that are not on the path any more are forgotten. */
int etcwatch_follow(struct etcwatch *watch)
{
	size_t kept = 0;
	int rc = 0;

	for (size_t i = 0; i < watch->n; i++)
		watch->items[i].is_kept = false;
	for (int i = 0; i < ETCFILE_COUNT_ && rc == 0; i++) {
		char path[64];

		(void)str_print(path, sizeof(path), "/etc/%s", etcfile_names[i]);
		rc = follow(watch, path);
	}
	for (size_t i = 0; i < watch->n; i++) {
		if (watch->items[i].is_kept)
			watch->items[kept++] = watch->items[i];
		else
			free(watch->items[i].name);
	}
	watch->n = kept;
	return rc;
}

int etcwatch_open(struct etcwatch *ret)
{
	struct etcwatch watch = ETCWATCH_NONE;

	watch.fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (watch.fd < 0)
		return -errno;
	*ret = watch;
	return 0;
}

/* The meaning of an event, as ETCWATCH_… */
static int meaning(const struct etcwatch *watch, const struct inotify_event *event)
{
	/* Events were lost. */
	if (event->mask & IN_Q_OVERFLOW)
		return ETCWATCH_CHANGED | ETCWATCH_REPLACED;
	for (size_t i = 0; i < watch->n && event->len > 0; i++) {
		if (watch->items[i].wd != event->wd || !streq(watch->items[i].name, event->name))
			continue;
		if (watch->items[i].is_entry && (event->mask & (IN_CREATE | IN_MOVED_TO)))
			return ETCWATCH_CHANGED | ETCWATCH_REPLACED;
		return ETCWATCH_CHANGED;
	}
	return 0;
}

/* The meaning of an event in a directory that may not be known yet. */
static int possible_meaning(const struct inotify_event *event)
{
	bool is_name = event->len > 0 && (streq(event->name, etcfile_names[0]) ||
					  streq(event->name, etcfile_names[1]));

	if (is_name && (event->mask & (IN_CREATE | IN_MOVED_TO)))
		return ETCWATCH_CHANGED | ETCWATCH_REPLACED;
	return ETCWATCH_CHANGED;
}

int etcwatch_read(struct etcwatch *watch, bool unknown)
{
	_Alignas(struct inotify_event) char buf[4096];
	int result = 0;
	ssize_t n;

	while ((n = read(watch->fd, buf, sizeof(buf))) > 0) {
		for (const char *at = buf; at < buf + n;) {
			const struct inotify_event *event = (const void *)at;

			result |= meaning(watch, event) | (unknown ? possible_meaning(event) : 0);
			at += sizeof(*event) + event->len;
		}
	}
	if (n < 0 && errno != EAGAIN)
		return -errno;
	return result;
}

void etcwatch_close(struct etcwatch *watch)
{
	for (size_t i = 0; i < watch->n; i++)
		free(watch->items[i].name);
	fd_close(watch->fd);
	*watch = ETCWATCH_NONE;
}

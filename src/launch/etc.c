/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * When the host replaces a file of its /etc on which we have mounted our own, the kernel removes
 * our mount, also in the child. The child reports whether it has made such mounts. The launcher
 * cannot find out by the file system's type, because the host's /etc and our copy of it can both be
 * tmpfs.
 *
 * The child also sends O_PATH descriptors of its mount namespace to repeat the mount: its /etc and
 * our two files. So the repair walks no path there. The target may mount over /etc, /run or the
 * root, even a file system that never answers, and the repair still works.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"
#include "handshake.h"
#include "launch.h"

#define REPAIR_MS 2000

/* In the order in which they are sent. */
static void list(const struct etcfiles *files, int ret[ETCFILE_COUNT_ + 1])
{
	ret[0] = files->etc;
	memcpy(ret + 1, files->fd, sizeof(files->fd));
}

int etc_send(int sock, const struct etcfiles *files)
{
	int fds[ETCFILE_COUNT_ + 1], rc = 0;

	list(files, fds);
	for (size_t i = 0; i < ARRAY_SIZE(fds) && rc == 0; i++)
		rc = handshake_send_fd(sock, HANDSHAKE_ETC, files->etc < 0 ? -1 : fds[i]);
	return rc;
}

int etc_receive(struct launch *l, struct error *err)
{
	_cleanup_etcfiles_ struct etcfiles files = ETCFILES_NONE;
	int *const places[] = {&files.etc, &files.fd[0], &files.fd[1]};
	int rc = 0;

	static_assert(ARRAY_SIZE(places) == ETCFILE_COUNT_ + 1, "one pointer for each descriptor");
	for (size_t i = 0; i < ARRAY_SIZE(places) && rc == 0; i++)
		rc = handshake_follow(l->sock, HANDSHAKE_ETC, "mounting", l->progress,
				      l->signals->cancel, places[i], err);
	if (rc < 0)
		return rc;
	l->etc.files = files;
	files = ETCFILES_NONE;
	return 0;
}

static int repair_job(void *arg, struct error *err)
{
	return etcfiles_repair(arg, err);
}

static void repair(struct launch *l)
{
	int keep[ETCFILE_COUNT_ + 1];
	struct ns_job job = {
		.name = "fauxroot: etc",
		/* mount(2), the fallback for newer system calls, uses /proc, which needs the PID
		 * namespace. */
		.which = NS_JOIN_MNT | NS_JOIN_PID,
		.run = repair_job,
		.arg = &l->etc.files,
		.keep = keep,
		.n_keep = ARRAY_SIZE(keep),
	};
	struct deadline deadline = deadline_in(REPAIR_MS);
	struct error err;

	list(&l->etc.files, keep);
	if (ns_run(&l->ns, &job, &deadline, -1, &err) < 0)
		log_warning("repairing the mounts of resolv.conf and hosts: %s", err.text);
}

static void on_etc(evutil_socket_t fd, short what, void *arg)
{
	struct launch *l = arg;
	int rc = etcfiles_watch_read(fd);

	(void)what;
	if (rc < 0) {
		log_warning("watching /etc: %s", strerror(-rc));
		event_del(l->etc.on_change);
	} else if (rc > 0) {
		repair(l);
	}
}

static void on_etc_due(evutil_socket_t fd, short what, void *arg)
{
	struct launch *l = arg;

	(void)fd;
	(void)what;
	l->etc.watch = etcfiles_watch_open();
	if (l->etc.watch >= 0)
		l->etc.on_change =
			event_new(l->serve.base, l->etc.watch, EV_READ | EV_PERSIST, on_etc, l);
	if (!l->etc.on_change || event_add(l->etc.on_change, NULL) < 0)
		log_warning(
			"cannot watch /etc: %s; if the host replaces resolv.conf, the command gets "
			"the host's file",
			l->etc.watch < 0 ? strerror(-l->etc.watch) : "out of memory");
	/* The host may have replaced a file before the watch began. */
	repair(l);
}

/*
 * Closing an inotify descriptor waits for a grace period of the kernel, up to 15 ms. So the watch
 * begins after a second: short commands do not need it.
 */
int etc_watch(struct launch *l, struct error *err)
{
	struct timeval due = {.tv_sec = 1};

	if (l->etc.files.etc < 0)
		return 0;
	l->etc.on_due = event_new(l->serve.base, -1, 0, on_etc_due, l);
	if (!l->etc.on_due || event_add(l->etc.on_due, &due) < 0)
		return err_set(err, ENOMEM, "watching /etc");
	return 0;
}

void etc_clear(struct launch *l)
{
	if (l->etc.on_change)
		event_free(TAKE_PTR(l->etc.on_change));
	if (l->etc.on_due)
		event_free(TAKE_PTR(l->etc.on_due));
	l->etc.watch = fd_close(l->etc.watch);
	etcfiles_close(&l->etc.files);
}

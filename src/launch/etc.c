/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Where the host replaces a file of its /etc that we have mounted upon, our mount is off, in the
 * child, too. Whether there is such a mount the child says, which has made it: a file system's type
 * does not tell the host's /etc from a copy of ours, both may be a tmpfs.
 *
 * The child also hands out what is needed to make the mount again, as O_PATH descriptors of its
 * mount namespace: its /etc and our two files. From then on no path is walked in there. The target
 * may mount over /etc, /run or the root, a file system that never answers among it, and the repair
 * does not notice.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"
#include "handshake.h"
#include "launch.h"

#define REPAIR_MS 2000

/* In the order in which they travel. */
static void list(const struct etcfiles *files, int ret[ETCFILE_COUNT_ + 1])
{
	ret[0] = files->etc;
	memcpy(ret + 1, files->fd, sizeof(files->fd));
}

int etc_hand(int sock, const struct etcfiles *files)
{
	int fds[ETCFILE_COUNT_ + 1], rc = 0;

	list(files, fds);
	for (size_t i = 0; i < ARRAY_SIZE(fds) && rc == 0; i++)
		rc = handshake_hand(sock, HANDSHAKE_ETC, files->etc < 0 ? -1 : fds[i]);
	return rc;
}

int etc_take(struct launch *l, struct error *err)
{
	_cleanup_etcfiles_ struct etcfiles files = ETCFILES_NONE;
	int *const places[] = {&files.etc, &files.fd[0], &files.fd[1]};
	int rc = 0;

	static_assert(ARRAY_SIZE(places) == ETCFILE_COUNT_ + 1, "every descriptor has its place");
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
		/* With the PID namespace for mount(2), where nothing newer is to be had: it goes by
		 * /proc. */
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
		log_warning("resolv.conf and hosts, should the host have replaced one: %s",
			    err.text);
}

static void on_etc(evutil_socket_t fd, short what, void *arg)
{
	struct launch *l = arg;
	int rc = etcfiles_watch_read(fd);

	(void)what;
	if (rc < 0) {
		log_warning("the watch on /etc has failed: %s", strerror(-rc));
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
		log_warning("cannot watch /etc: %s; a replaced resolv.conf will show through",
			    l->etc.watch < 0 ? strerror(-l->etc.watch) : "out of memory");
	/* What happened before. */
	repair(l);
}

/*
 * Closing an inotify descriptor waits for a grace period of the kernel, up to 15 ms: a command that
 * is over in a moment is not made to pay for a watch that it cannot need.
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

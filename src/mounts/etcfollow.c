/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * When the host's resolv.conf or hosts changes, in /etc or where its link leads, the child's files
 * are written again in place. A change takes a moment: a file is truncated and then written, or
 * several are replaced. So we wait until nothing has changed for CALM_MS, or for CALM_MAX_MS after
 * the first change.
 *
 * A link of the host may lead to a file system that does not answer. So the launcher never opens
 * these files: another process does (etclook.h). If this process waits, only the child's files are
 * late. There is never more than one such process.
 *
 * When the host replaces a file of its /etc on which we have mounted our own, the kernel removes
 * our mount, also in the child. The repair uses O_PATH descriptors of the child's /etc and of our
 * files, and resolves no path there. The target may mount over /etc, /run or the root, even a file
 * system that never answers: the repair still works.
 */
#include "fauxroot/mounts/etcfollow.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/log.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/proc/children.h"
#include "fauxroot/sys/ns.h"

#define REPAIR_MS 2000

/* A change is over when nothing has changed for CALM_MS, or CALM_MAX_MS after its start. */
#define CALM_MS	    100
#define CALM_MAX_MS 500

/* The delay between a look that has failed and the next one. */
#define RETRY_MS 5000

static int repair_job(void *arg, struct error *err)
{
	return etcfiles_repair(arg, err);
}

/* In the process that repairs. It waits for the runner, which may have to wait for the target. */
_noreturn_ static void run_repair(struct etcfollow *etc, const int *keep, size_t n)
{
	const struct ns_job job = {
		.name = "fauxroot: etc",
		/* mount(2), the fallback for newer system calls, uses /proc, which needs the PID
		 * namespace. */
		.which = NS_JOIN_MNT | NS_JOIN_PID,
		.run = repair_job,
		.arg = &etc->files,
		.keep = keep,
		.n_keep = n,
	};
	struct deadline deadline = deadline_in(REPAIR_MS);
	struct error err;

	_exit(-ns_run(etc->ns, &job, &deadline, -1, &err));
}

static void repair(struct etcfollow *etc);

/* child_changed: of the process that repairs */
static void on_repaired(void *arg, int status)
{
	struct etcfollow *etc = arg;
	int rc = process_result(status);

	/* The process that has stopped it may stop it again. */
	if (WIFSTOPPED(status)) {
		process_signal(&etc->repair, SIGKILL);
		return;
	}
	process_forget(&etc->repair);
	if (rc < 0)
		log_warning("repairing the mounts of resolv.conf and hosts: %s", strerror(-rc));
	if (etc->repair_again)
		repair(etc);
}

/* Start a process that repairs: the event loop must not wait for the target's mount namespace. */
static void repair(struct etcfollow *etc)
{
	int keep[ETCFILE_COUNT_ + 1 + NS_KINDS], rc;
	const size_t n_files = ETCFILE_COUNT_ + 1;
	struct error err;

	etc->repair_again = etc->repair.pid > 0;
	if (etc->repair_again)
		return;
	keep[0] = etc->files.etc;
	memcpy(keep + 1, etc->files.fd, sizeof(etc->files.fd));
	rc = fork_clean("fauxroot: etc", keep, n_files + ns_set_list(etc->ns, keep + n_files),
			&etc->repair, &err);
	if (rc == 0)
		run_repair(etc, keep, n_files);
	if (rc < 0)
		log_warning("repairing the mounts of resolv.conf and hosts: %s", err.text);
	else
		(void)children_watch(etc->children, etc->repair.pid, on_repaired, etc);
}

/* etcfile_write: write to the existing file. */
static int write_again(const void *arg, enum etcfile file, const char *text, size_t size,
		       struct error *err)
{
	struct etcfollow *const *etc = arg;
	struct etccopy *copy = &(*etc)->copies[file];
	const char *name = etcfile_name(file);
	int rc = copy->fd < 0 ? 0 : etccopy_renew(copy, text, size);

	(void)err;
	if (rc > 0) {
		(*etc)->written = true;
		log_debug("the host's %s has changed; the command's was updated", name);
	}
	if (rc == -ESTALE) {
		log_info("the host's %s has changed; the command's is not updated, because the "
			 "command has written to it",
			 name);
		etccopy_close(copy);
	} else if (rc < 0) {
		log_warning("writing the command's %s again: %s", name, strerror(-rc));
	}
	return 0;
}

static void renew(struct etcfollow *etc, const struct etchost *host)
{
	struct error err;

	etc->written = false;
	if (etc->ops->compose(etc->arg, host, write_again, &etc, &err) < 0)
		log_warning("following the host's /etc: %s", err.text);
	etc->ops->looked(etc->arg, host, etc->written);
}

static void look_in(struct etcfollow *etc, int ms)
{
	const struct timeval delay = timeval_ms(ms);

	if (event_add(etc->on_renew, &delay) < 0)
		log_warning("following the host's /etc: out of memory");
}

/* The first look is over, or late. The host may have replaced a file before the watch began. */
static void repair_first(struct etcfollow *etc)
{
	if (!etc->looked && etc->files.etc >= 0)
		repair(etc);
	etc->looked = true;
}

/* child_changed: of the process that looks */
static void on_looked(void *arg, int status)
{
	_cleanup_etchost_ struct etchost host = ETCHOST_NONE;
	struct etcfollow *etc = arg;
	int rc;

	/* The process that has stopped it may stop it again. */
	if (WIFSTOPPED(status)) {
		process_signal(&etc->look.process, SIGKILL);
		return;
	}
	process_forget(&etc->look.process);
	event_del(etc->on_late);
	if (etc->late)
		log_info("the host's /etc/resolv.conf and /etc/hosts can be read again");
	etc->late = false;
	rc = process_result(status);
	if (rc == 0)
		rc = etclook_take(&etc->look, &etc->watch, &host);
	etclook_close(&etc->look);
	repair_first(etc);
	if (rc == 0) {
		renew(etc, &host);
		if (etc->again)
			look_in(etc, CALM_MS);
	} else {
		log_debug("looking at the host's /etc: %s", strerror(-rc));
		look_in(etc, RETRY_MS);
	}
	etc->again = false;
}

static void on_late(evutil_socket_t fd, short what, void *arg)
{
	struct etcfollow *etc = arg;

	(void)fd;
	(void)what;
	log_warning("the host's /etc/resolv.conf or /etc/hosts leads to a file system that does "
		    "not answer; the command's files are updated when it answers");
	etc->late = true;
	repair_first(etc);
}

static void look(struct etcfollow *etc)
{
	const struct timeval late = {.tv_sec = ETCLOOK_MS / 1000};
	struct error err;

	etc->changed_ms = 0;
	if (etc->look.result >= 0) {
		etc->again = true;
		return;
	}
	if (etclook_start(&etc->watch, &etc->look, &err) < 0) {
		log_warning("following the host's /etc: %s", err.text);
		look_in(etc, RETRY_MS);
		return;
	}
	/* Our own fork is in the table, so this needs no memory. */
	(void)children_watch(etc->children, etc->look.process.pid, on_looked, etc);
	(void)event_add(etc->on_late, &late);
}

static void on_renew(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	look(arg);
}

void etcfollow_renew(struct etcfollow *etc)
{
	if (etc->on_late)
		look(etc);
}

/* Wait for the end of a change. */
static void renew_soon(struct etcfollow *etc)
{
	const struct timeval calm = timeval_ms(CALM_MS);
	int64_t now = clock_ms();

	if (etc->changed_ms == 0)
		etc->changed_ms = now;
	if (now - etc->changed_ms >= CALM_MAX_MS || event_add(etc->on_renew, &calm) < 0)
		look(etc);
}

static void on_etc(evutil_socket_t fd, short what, void *arg)
{
	struct etcfollow *etc = arg;
	int rc = etcwatch_read(&etc->watch, etc->look.result >= 0);

	(void)fd;
	(void)what;
	if (rc < 0) {
		log_warning("watching /etc: %s", strerror(-rc));
		event_del(etc->on_change);
		return;
	}
	if ((rc & ETCWATCH_REPLACED) && etc->files.etc >= 0)
		repair(etc);
	if (rc & ETCWATCH_CHANGED)
		renew_soon(etc);
}

static void on_etc_due(evutil_socket_t fd, short what, void *arg)
{
	struct etcfollow *etc = arg;
	int rc = etcwatch_open(&etc->watch);

	(void)fd;
	(void)what;
	if (rc == 0)
		etc->on_change =
			event_new(etc->base, etc->watch.fd, EV_READ | EV_PERSIST, on_etc, etc);
	if (!etc->on_change || event_add(etc->on_change, NULL) < 0)
		log_warning(
			"cannot watch /etc: %s; the command's resolv.conf and hosts do not follow "
			"the host's",
			rc < 0 ? strerror(-rc) : "out of memory");
	look(etc);
}

/*
 * Closing an inotify descriptor waits for a grace period of the kernel, up to 15 ms. So the watch
 * begins after a second: short commands do not need it.
 */
int etcfollow_supervise(struct etcfollow *etc, struct event_base *base, struct children *children,
			const struct ns_set *ns, const struct etcfollow_ops *ops, void *arg,
			struct error *err)
{
	struct timeval due = {.tv_sec = 1};

	etc->ops = ops;
	etc->arg = arg;
	etc->ns = ns;
	etc->children = children;
	etc->base = base;
	etc->on_renew = event_new(base, -1, 0, on_renew, etc);
	etc->on_due = event_new(base, -1, 0, on_etc_due, etc);
	etc->on_late = event_new(base, -1, 0, on_late, etc);
	if (!etc->on_renew || !etc->on_due || !etc->on_late || event_add(etc->on_due, &due) < 0)
		return err_set(err, ENOMEM, "watching /etc");
	return 0;
}

void etcfollow_clear(struct etcfollow *etc)
{
	struct event **const events[] = {&etc->on_change, &etc->on_due, &etc->on_renew,
					 &etc->on_late};

	for (size_t i = 0; i < ARRAY_SIZE(events); i++)
		if (*events[i])
			event_free(TAKE_PTR(*events[i]));
	etclook_close(&etc->look);
	process_abandon(&etc->repair);
	etcwatch_close(&etc->watch);
	for (int i = 0; i < ETCFILE_COUNT_; i++)
		etccopy_close(&etc->copies[i]);
	etcfiles_close(&etc->files);
}

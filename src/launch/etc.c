/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The child's resolv.conf and hosts are composed from the host's files. When these change, in /etc
 * or where their links lead, the child's are written anew in place, and the name service gets the
 * new servers. A change takes a moment: a file is truncated and then written, or several are
 * replaced. So we wait until nothing has happened for a tenth of a second, but not much longer.
 *
 * A link of the host may lead to a file system that does not answer. So the launcher never opens
 * these files: a process does (etclook.h). If it waits, so does the change, and everything else
 * goes on. There is never more than one such process.
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
#include "etc.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "events.h"
#include "fauxroot/base/clock.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"
#include "fauxroot/base/str.h"
#include "fauxroot/proc/kept.h"
#include "handshake.h"
#include "launch.h"
#include "naming.h"

#define REPAIR_MS 2000

/* The end of a change: nothing more for that long, or so long after its beginning. */
#define CALM_MS	    100
#define CALM_MAX_MS 500

/* A look that takes longer is late. After one that failed, the next begins so much later. */
#define LOOK_MS	 5000
#define RETRY_MS 5000

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
		rc = handshake_follow(l->cloned.sock, HANDSHAKE_ETC, "mounting", l->cloned.progress,
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
	if (ns_run(&l->cloned.ns, &job, &deadline, -1, &err) < 0)
		log_warning("repairing the mounts of resolv.conf and hosts: %s", err.text);
}

/* Passes an etcfile from etcfiles_write_parent() on. */
typedef int write_file(const void *arg, enum etcfile file, const char *text, size_t size,
		       struct error *err);

/* Lines of hosts with the names of the host, as Docker and podman call it. */
static void name_host(const struct net_plan *plan, char *buf, size_t size)
{
	static const char names[] = "host.docker.internal host.containers.internal";
	char v4[INET_ADDRSTRLEN], v6[INET6_ADDRSTRLEN];
	size_t used;

	buf[0] = '\0';
	if (!plan->has_host)
		return;
	inet_ntop(AF_INET, &plan->host, v4, sizeof(v4));
	(void)str_print(buf, size, "%s\t%s\n", v4, names);
	used = strlen(buf);
	inet_ntop(AF_INET6, &plan->host6, v6, sizeof(v6));
	if (plan->ipv6)
		(void)str_print(buf + used, size - used, "%s\t%s\n", v6, names);
}

static int compose(struct launch *l, const struct etchost *host, write_file *write, const void *arg,
		   struct error *err)
{
	_cleanup_strv_ struct strv dns = {NULL, 0};
	char names[256];
	const struct etc_content content = {
		.dns = config_dns(l->config) == DNS_NONE ? NULL : &dns,
		.names = names,
	};

	name_host(&l->net.plan, names, sizeof(names));
	if (net_dns(&l->net, &dns) < 0)
		return err_set(err, ENOMEM, "listing the name servers");
	return etcfiles_write_parent(host, write, arg, &content, err);
}

/* write_file: in the state directory. */
static int write_first(const void *arg, enum etcfile file, const char *text, size_t size,
		       struct error *err)
{
	struct launch *const *l = arg;
	const struct statedir *state = &(*l)->prepared.state;
	const char *name = etcfile_name(file);
	int rc = statedir_write(state, name, text, size, 0644, err);

	if (rc < 0)
		return rc;
	rc = etccopy_open(state->dir, name, text, size, &(*l)->etc.copies[file]);
	return rc < 0 ? err_set(err, -rc, "opening %s/%s", state->path, name) : 0;
}

/* A shortage of the machine or of our limits. A look that is late is none. */
static bool is_shortage(int rc)
{
	return rc != -ETIMEDOUT && kept_is_shortage(rc);
}

/* Could the look not read a file because of a shortage? EAGAIN is none: it means a FIFO or a lease.
 */
static int check_files(const struct etchost *host, struct error *err)
{
	for (int i = 0; i < ETCFILE_COUNT_; i++) {
		int rc = host->files[i].rc;

		if (rc != -EAGAIN && is_shortage(rc))
			return err_set(err, -rc, "reading /etc/%s", etcfile_name((enum etcfile)i));
	}
	return 0;
}

static int look_once(struct launch *l, struct etchost *ret, struct error *err)
{
	struct deadline deadline = deadline_in(LOOK_MS);
	struct etcwatch none = ETCWATCH_NONE;
	struct etclook look = ETCLOOK_NONE;
	int status = 0, rc = etclook_start(&none, &look, err);

	if (rc < 0)
		return rc;
	rc = process_wait(&look.process, &deadline, l->signals->cancel, &status);
	if (rc == 0)
		rc = status == 0 ? etclook_take(&look, &none, ret) : -EIO;
	etclook_close(&look);
	if (rc < 0)
		return err_set(err, -rc, "reading the host's resolv.conf and hosts");
	return check_files(ret, err);
}

/* The first look, before the event loop. If it fails or is late, the launch goes on without. But
 * not during a shortage: the launch would need more, and fail later. */
static int look_first(struct launch *l, struct etchost *ret, struct error *err)
{
	int rc = look_once(l, ret, err);

	if (rc == -ECANCELED || is_shortage(rc))
		return rc;
	if (rc < 0)
		log_warning("the command starts without the host's resolv.conf and hosts, and gets "
			    "them later: reading them: %s",
			    strerror(-rc));
	return 0;
}

int etc_write(struct launch *l, struct error *err)
{
	_cleanup_etchost_ struct etchost host = ETCHOST_NONE;
	int rc = look_first(l, &host, err);

	if (rc < 0)
		return err_step(err, rc, STEP_MOUNT);
	naming_learn(l, host.files[ETCFILE_RESOLV_CONF].text, host.files[ETCFILE_RESOLV_CONF].size);
	return compose(l, &host, write_first, &l, err);
}

/* write_file: anew, in place. */
static int write_again(const void *arg, enum etcfile file, const char *text, size_t size,
		       struct error *err)
{
	struct launch *const *l = arg;
	struct etccopy *copy = &(*l)->etc.copies[file];
	const char *name = etcfile_name(file);
	int rc = copy->fd < 0 ? 0 : etccopy_renew(copy, text, size);

	(void)err;
	if (rc > 0) {
		(*l)->etc.renewed = true;
		log_debug("the host's %s has changed, and so has the command's", name);
	}
	if (rc == -ESTALE) {
		log_info("the host's %s has changed; the command has written its own, which stays",
			 name);
		etccopy_close(copy);
	} else if (rc < 0) {
		log_warning("writing the command's %s anew: %s", name, strerror(-rc));
	}
	return 0;
}

/* Report the servers that answer from now on: the host's behind the name service, or those of the
 * command's own resolv.conf. */
static void report(struct launch *l)
{
	_cleanup_strv_ struct strv dns = {NULL, 0};
	int rc = l->naming.names ? naming_servers(&l->naming, &dns) : net_dns(&l->net, &dns);

	events_names_changed(l, rc < 0 ? NULL : &dns);
}

/* The look has found this. */
static void renew(struct launch *l, const struct etchost *host)
{
	struct error err;

	l->etc.renewed = false;
	if (compose(l, host, write_again, &l, &err) < 0)
		log_warning("following the host's /etc: %s", err.text);
	if (naming_renew(l, host->files[ETCFILE_RESOLV_CONF].text,
			 host->files[ETCFILE_RESOLV_CONF].size)) {
		l->etc.renewed = true;
		log_debug("the host's name servers have changed");
	}
	if (l->etc.renewed)
		report(l);
}

static void look_in(struct launch *l, int ms)
{
	const struct timeval delay = timeval_ms(ms);

	if (event_add(l->etc.on_renew, &delay) < 0)
		log_warning("following the host's /etc: out of memory");
}

/* The first look is over, or late. The host may have replaced a file before the watch began. */
static void repair_first(struct launch *l)
{
	if (!l->etc.looked && l->etc.files.etc >= 0)
		repair(l);
	l->etc.looked = true;
}

/* child_changed: of the process that looks */
static void on_looked(void *arg, int status)
{
	_cleanup_etchost_ struct etchost host = ETCHOST_NONE;
	struct launch *l = arg;
	int rc;

	/* Whoever has stopped it may do so again. */
	if (WIFSTOPPED(status)) {
		process_signal(&l->etc.look.process, SIGKILL);
		return;
	}
	process_forget(&l->etc.look.process);
	event_del(l->etc.on_late);
	if (l->etc.late)
		log_info("the host's /etc/resolv.conf and /etc/hosts can be read again");
	l->etc.late = false;
	rc = status == 0 ? etclook_take(&l->etc.look, &l->etc.watch, &host) : -EIO;
	etclook_close(&l->etc.look);
	repair_first(l);
	if (rc == 0) {
		renew(l, &host);
		if (l->etc.again)
			look_in(l, CALM_MS);
	} else {
		log_debug("looking at the host's /etc: %s", strerror(-rc));
		look_in(l, RETRY_MS);
	}
	l->etc.again = false;
}

static void on_late(evutil_socket_t fd, short what, void *arg)
{
	struct launch *l = arg;

	(void)fd;
	(void)what;
	log_warning("the host's /etc/resolv.conf or /etc/hosts leads to a file system that does "
		    "not answer; the command's follow when it does");
	l->etc.late = true;
	repair_first(l);
}

static void look(struct launch *l)
{
	const struct timeval late = {.tv_sec = LOOK_MS / 1000};
	struct error err;

	l->etc.changed_ms = 0;
	if (l->etc.look.result >= 0) {
		l->etc.again = true;
		return;
	}
	if (etclook_start(&l->etc.watch, &l->etc.look, &err) < 0) {
		log_warning("following the host's /etc: %s", err.text);
		look_in(l, RETRY_MS);
		return;
	}
	/* Our own fork is in the table, so this needs no memory. */
	(void)children_watch(&l->children, l->etc.look.process.pid, on_looked, l);
	(void)event_add(l->etc.on_late, &late);
}

static void on_renew(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	look(arg);
}

/* Wait for the end of a change. */
static void renew_soon(struct launch *l)
{
	const struct timeval calm = timeval_ms(CALM_MS);
	int64_t now = clock_ms();

	if (l->etc.changed_ms == 0)
		l->etc.changed_ms = now;
	if (now - l->etc.changed_ms >= CALM_MAX_MS || event_add(l->etc.on_renew, &calm) < 0)
		look(l);
}

static void on_etc(evutil_socket_t fd, short what, void *arg)
{
	struct launch *l = arg;
	int rc = etcwatch_read(&l->etc.watch, l->etc.look.result >= 0);

	(void)fd;
	(void)what;
	if (rc < 0) {
		log_warning("watching /etc: %s", strerror(-rc));
		event_del(l->etc.on_change);
		return;
	}
	if ((rc & ETCWATCH_REPLACED) && l->etc.files.etc >= 0)
		repair(l);
	if (rc & ETCWATCH_CHANGED)
		renew_soon(l);
}

static void on_etc_due(evutil_socket_t fd, short what, void *arg)
{
	struct launch *l = arg;
	int rc = etcwatch_open(&l->etc.watch);

	(void)fd;
	(void)what;
	if (rc == 0)
		l->etc.on_change =
			event_new(l->serve.base, l->etc.watch.fd, EV_READ | EV_PERSIST, on_etc, l);
	if (!l->etc.on_change || event_add(l->etc.on_change, NULL) < 0)
		log_warning(
			"cannot watch /etc: %s; the command's resolv.conf and hosts do not follow "
			"the host's",
			rc < 0 ? strerror(-rc) : "out of memory");
	look(l);
}

/*
 * Closing an inotify descriptor waits for a grace period of the kernel, up to 15 ms. So the watch
 * begins after a second: short commands do not need it.
 */
int etc_watch(struct launch *l, struct error *err)
{
	struct timeval due = {.tv_sec = 1};

	if (!l->net.plan.configures_dns)
		return 0;
	l->etc.on_renew = event_new(l->serve.base, -1, 0, on_renew, l);
	l->etc.on_due = event_new(l->serve.base, -1, 0, on_etc_due, l);
	l->etc.on_late = event_new(l->serve.base, -1, 0, on_late, l);
	if (!l->etc.on_renew || !l->etc.on_due || !l->etc.on_late ||
	    event_add(l->etc.on_due, &due) < 0)
		return err_set(err, ENOMEM, "watching /etc");
	return 0;
}

void etc_clear(struct launch *l)
{
	if (l->etc.on_change)
		event_free(TAKE_PTR(l->etc.on_change));
	if (l->etc.on_due)
		event_free(TAKE_PTR(l->etc.on_due));
	if (l->etc.on_renew)
		event_free(TAKE_PTR(l->etc.on_renew));
	if (l->etc.on_late)
		event_free(TAKE_PTR(l->etc.on_late));
	etclook_close(&l->etc.look);
	etcwatch_close(&l->etc.watch);
	for (int i = 0; i < ETCFILE_COUNT_; i++)
		etccopy_close(&l->etc.copies[i]);
	etcfiles_close(&l->etc.files);
}

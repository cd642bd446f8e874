/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The launcher's side. The processes (worker.c) share one notification descriptor: the kernel gives
 * each call to one of them. The launcher keeps a copy of it. So when a process dies, calls wait for
 * the next one, and do not fail. The call that the dead process was working on is in memory that it
 * shares with the launcher (page.h). The launcher lets the kernel execute that call, without
 * acceleration.
 *
 * A process that works on one call for seconds is blocked by the command, and is replaced, at most
 * twice.
 *
 * If a process dies too often, acceleration ends: the launcher then answers all calls itself, at
 * once, so that the kernel executes them.
 */
#include "fauxroot/switch/accel.h"

#include <errno.h>
#include <event2/event.h>
#include <linux/kcmp.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/libc.h"
#include "fauxroot/base/log.h"
#include "fauxroot/base/spawn.h"
#include "fauxroot/base/str.h"
#include "fauxroot/proc/kept.h"
#include "fauxroot/sys/netlink.h"
#include "filters.h"
#include "page.h"
#include "routes.h"
#include "state.h"
#include "worker.h"

#define ROUTE_MS 1000

_Static_assert(SWITCH_WORKERS == ACCEL_PROCESSES, "each process has a slot");

/* The longest time for one call. Usually it takes a tenth of a millisecond. */
#define STUCK_MS 5000

/* The maximum number of blocked processes: they may stay even after the command has ended. */
#define BLOCKED_MAX 3

/* One process, and what its callbacks need. */
struct switcher {
	struct accel *accel;
	struct slot *slot;
	struct netlink routes; /* of the command's network */
	struct process process;
	struct kept kept;
};

struct accel {
	int notify;
	unsigned device;
	const struct strv *except;
	struct page *page;
	struct switcher switchers[ACCEL_PROCESSES];
	unsigned restarts;
	unsigned blocked; /* processes that the command has blocked */
	bool on;
	struct event *on_check; /* looks for blocked processes */
	struct event *on_call;	/* answers calls when the acceleration is off */
	struct event_base *base;
};

void accel_kit_close(struct accel_kit *kit)
{
	kit->notify = fd_close(kit->notify);
	for (size_t i = 0; i < ARRAY_SIZE(kit->routes); i++)
		kit->routes[i] = fd_close(kit->routes[i]);
}

/* Report that this machine does not allow switching. */
static int refused(struct error *err, int errnum, const char *what)
{
	int rc = err_set(err, errnum, "--net-accel=switch: %s", what);

	return err_step(err, err_about(err, rc, REASON_ACCEL, "%s", what), STEP_NET);
}

int accel_install_child(struct accel_kit *ret, struct error *err)
{
	struct accel_kit kit = ACCEL_KIT_NONE;
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(kit.routes) && rc == 0; i++) {
		struct netlink routes = NETLINK_NONE;

		rc = err_step(err, netlink_open(NETLINK_ROUTE, ROUTE_MS, &routes, err), STEP_NET);
		kit.routes[i] = routes.fd;
	}
	if (rc == 0) {
		rc = filters_notify(&kit.notify, err);
		if (rc == -EBUSY)
			rc = 0;
		else if (rc < 0)
			rc = refused(err, -rc, "seccomp notifications");
	}
	if (rc < 0)
		accel_kit_close(&kit);
	else
		*ret = kit;
	return rc;
}

/* Try on the child what the processes do with the command. */
static int try_access(const struct accel *accel, int child, pid_t pid, struct error *err)
{
	static const char ours[] = "here";
	struct seccomp_notif_addfd addfd = {.srcfd = 0};
	char theirs[sizeof(ours)];
	struct iovec to = {theirs, sizeof(theirs)}, from = {(void *)(uintptr_t)ours, sizeof(ours)};
	int fd = (int)syscall(SYS_pidfd_getfd, child, 0, 0);

	/* EBADF: the child has no standard input. */
	if (fd < 0 && errno != EBADF)
		return refused(err, errno, "pidfd_getfd");
	fd_close(fd);
	/* The child is a fork of ours: the address is the same. */
	if (process_vm_readv(pid, &to, 1, &from, 1, 0) < 0)
		return refused(err, errno, "process_vm_readv");
	/* ENOSYS: without kcmp(2) fewer connections are switched. */
	if (syscall(SYS_kcmp, pid, pid, KCMP_FILES, 0, 0) < 0 && errno != ENOSYS)
		return refused(err, errno, "kcmp");
	/* There is no call with this id: ENOENT. */
	if (ioctl(accel->notify, SECCOMP_IOCTL_NOTIF_ADDFD, &addfd) < 0 && errno != ENOENT)
		return refused(err, errno, "seccomp ADDFD");
	return 0;
}

/* The kernel writes a struct of this size to a slot. */
static int check_sizes(struct error *err)
{
	struct seccomp_notif_sizes sizes;

	if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0)
		return refused(err, errno, "seccomp notifications");
	if (sizes.seccomp_notif > NOTIFICATION_BYTES ||
	    sizes.seccomp_notif_resp > NOTIFICATION_BYTES)
		return refused(err, EOVERFLOW, "seccomp notifications");
	return 0;
}

/* Let the kernel execute the call that the process was working on. */
static void release_call(const struct accel *accel, struct slot *slot)
{
	struct seccomp_notif call;

	memcpy(&call, slot->notification, sizeof(call));
	if (call.id)
		worker_continue(accel->notify, call.id);
	memset(slot->notification, 0, sizeof(slot->notification));
	atomic_store(&slot->since_ms, 0);
}

static int start_process(struct switcher *switcher, struct error *err)
{
	struct accel *accel = switcher->accel;
	const int keep[] = {accel->notify, switcher->routes.fd};
	struct worker *w;
	int rc;

	rc = fork_clean("fauxroot: switch", keep, ARRAY_SIZE(keep), &switcher->process, err);
	if (rc < 0)
		return rc;
	if (rc > 0) {
		kept_watch(&switcher->kept, &switcher->process);
		return 0;
	}
	w = calloc(1, sizeof(*w));
	if (!w)
		_exit(1);
	w->notify = accel->notify;
	w->command_net = netlink_of(switcher->routes.fd, ROUTE_MS);
	w->device = accel->device;
	w->except = accel->except;
	w->page = accel->page;
	w->slot = switcher->slot;
	worker_main(w);
}

/* kept_ops.start */
static int restart(void *arg, struct error *err)
{
	struct switcher *switcher = arg;

	switcher->accel->restarts++;
	return start_process(switcher, err);
}

/* kept_ops.ended */
static void on_ended(void *arg, int status, char *why, size_t size)
{
	struct switcher *switcher = arg;

	(void)status;
	(void)why;
	(void)size;
	release_call(switcher->accel, switcher->slot);
}

/* Only the launcher reads notifications now. So no other process takes the one that poll(2) has
 * reported, and ioctl(2) does not wait. */
static void on_call(evutil_socket_t fd, short what, void *arg)
{
	unsigned char room[NOTIFICATION_BYTES] = {0};
	struct accel *accel = arg;
	struct seccomp_notif call;

	(void)what;
	if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, room) == 0) {
		memcpy(&call, room, sizeof(call));
		worker_continue(fd, call.id);
	} else if (errno != ENOENT && errno != EINTR) {
		/* No process of the command is left. */
		event_del(accel->on_call);
	}
}

static void turn_off(struct accel *accel)
{
	accel->on = false;
	event_del(accel->on_check);
	for (size_t i = 0; i < ARRAY_SIZE(accel->switchers); i++) {
		struct switcher *switcher = &accel->switchers[i];

		kept_clear(&switcher->kept);
		process_kill(&switcher->process);
		release_call(accel, switcher->slot);
	}
	accel->on_call =
		event_new(accel->base, accel->notify, EV_READ | EV_PERSIST, on_call, accel);
	if (!accel->on_call || event_add(accel->on_call, NULL) < 0)
		log_error("the command's connections hang: no memory to watch them");
}

/* kept_ops.lost */
static void on_lost(void *arg, const struct error *err)
{
	struct switcher *switcher = arg;

	if (!switcher->accel->on)
		return;
	log_warning("network acceleration is off: %s", err->text);
	turn_off(switcher->accel);
}

static const struct kept_ops switcher_ops = {
	.name = "the switch process",
	.step = STEP_NET,
	.deaths = 3,
	.window_ms = 60000,
	.start = restart,
	.ended = on_ended,
	.lost = on_lost,
};

/* Replace a process that the command has blocked. It may not even die of SIGKILL (FUSE). */
static void on_check(evutil_socket_t fd, short what, void *arg)
{
	struct accel *accel = arg;

	(void)fd;
	(void)what;
	for (size_t i = 0; i < ARRAY_SIZE(accel->switchers) && accel->on; i++) {
		struct switcher *switcher = &accel->switchers[i];
		int64_t since_ms = atomic_load(&switcher->slot->since_ms);

		if (switcher->process.pid <= 0 || since_ms == 0 || clock_ms() - since_ms < STUCK_MS)
			continue;
		log_warning("the switch process is blocked by the command; replacing it");
		process_abandon(&switcher->process);
		release_call(accel, switcher->slot);
		if (++accel->blocked < BLOCKED_MAX) {
			kept_died(&switcher->kept, "it was blocked");
			continue;
		}
		log_warning("network acceleration is off: the command has blocked %u processes",
			    accel->blocked);
		turn_off(accel);
	}
}

static int prepare(struct accel *accel, const char *ifname, int child, pid_t child_pid,
		   struct error *err)
{
	struct netlink host = NETLINK_NONE;
	int rc = check_sizes(err);

	if (rc == 0)
		rc = try_access(accel, child, child_pid, err);
	if (rc == 0)
		rc = routes_device(&accel->switchers[0].routes, ifname, &accel->device, err);
	if (rc == 0)
		rc = netlink_open(NETLINK_ROUTE, ROUTE_MS, &host, err);
	if (rc == 0 && !routes_usable(&host))
		log_warning("--net-accel=switch: this machine has no route to other machines; "
			    "no connection is switched until it has one");
	netlink_close(&host);
	return err_step(err, rc, STEP_NET);
}

static int new_accel(struct accel **ret, struct error *err)
{
	struct accel *accel = calloc(1, sizeof(*accel));
	size_t size = sizeof(*accel->page);
	void *page;

	if (!accel)
		return err_set(err, ENOMEM, "preparing the network acceleration");
	accel->notify = -1;
	/* cppcheck-suppress invalidFunctionArg */
	page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED) {
		free(accel);
		return err_set(err, errno, "preparing the network acceleration");
	}
	accel->page = page;
	for (size_t i = 0; i < ARRAY_SIZE(accel->switchers); i++) {
		struct switcher *switcher = &accel->switchers[i];

		switcher->accel = accel;
		switcher->slot = &accel->page->slots[i];
		switcher->routes = NETLINK_NONE;
		switcher->process = PROCESS_NONE;
		kept_init(&switcher->kept, &switcher_ops, switcher);
	}
	*ret = accel;
	return 0;
}

int accel_start(struct accel_kit *kit, const char *ifname, const struct strv *except, int child,
		pid_t child_pid, struct accel **ret, struct error *err)
{
	struct accel *accel = NULL;
	int rc = new_accel(&accel, err);

	if (!accel) {
		accel_kit_close(kit);
		return rc;
	}
	accel->notify = TAKE_FD(kit->notify);
	for (size_t i = 0; i < ARRAY_SIZE(accel->switchers); i++)
		accel->switchers[i].routes = netlink_of(TAKE_FD(kit->routes[i]), ROUTE_MS);
	accel->except = except;
	rc = prepare(accel, ifname, child, child_pid, err);
	for (size_t i = 0; i < ARRAY_SIZE(accel->switchers) && rc == 0; i++)
		rc = start_process(&accel->switchers[i], err);
	if (rc < 0) {
		accel_stop(accel);
		return err_step(err, rc, STEP_NET);
	}
	accel->on = true;
	*ret = accel;
	return 0;
}

int accel_off(struct accel **ret, struct error *err)
{
	return new_accel(ret, err);
}

void accel_supervise(struct accel *accel, struct event_base *base, struct children *children)
{
	const struct timeval often = {.tv_sec = STUCK_MS / 1000};

	if (!accel->on)
		return;
	accel->base = base;
	accel->on_check = event_new(base, -1, EV_PERSIST, on_check, accel);
	if (!accel->on_check || event_add(accel->on_check, &often) < 0)
		log_warning("no memory to watch the switch processes");
	for (size_t i = 0; i < ARRAY_SIZE(accel->switchers); i++) {
		struct switcher *switcher = &accel->switchers[i];

		kept_supervise(&switcher->kept, base, children);
		kept_watch(&switcher->kept, &switcher->process);
	}
}

void accel_count(const struct accel *accel, struct accel_counts *ret)
{
	*ret = (struct accel_counts){
		.on = accel->on,
		.switched = atomic_load(&accel->page->switched),
		.failed = atomic_load(&accel->page->left[LEFT_FAILED]),
		.restarts = accel->restarts,
	};
	for (size_t i = 0; i < LEFT_COUNT_; i++)
		ret->left += atomic_load(&accel->page->left[i]);
}

void accel_stop(struct accel *accel)
{
	if (!accel)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(accel->switchers); i++) {
		kept_clear(&accel->switchers[i].kept);
		process_kill(&accel->switchers[i].process);
		netlink_close(&accel->switchers[i].routes);
	}
	if (accel->on_check)
		event_free(accel->on_check);
	if (accel->on_call)
		event_free(accel->on_call);
	fd_close(accel->notify);
	(void)munmap(accel->page, sizeof(*accel->page));
	free(accel);
}

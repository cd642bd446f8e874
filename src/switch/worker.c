/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The kernel suspends the command's connect(2), and this process decides. If the connection leaves
 * the command's network by its gateway, a socket of the host connects, without waiting, and takes
 * the place of the command's socket. Then the command's call is answered: with EINPROGRESS if the
 * socket is non-blocking. If it blocks, the kernel executes the command's own connect(2), which
 * waits on the new socket as long as the command wants, with its signals and timeouts. The command
 * can have changed the address by then, or the descriptor: this is safe, because the socket is
 * confined (replace.h).
 *
 * In all other cases the kernel executes the call on the command's own socket, and the user-mode
 * network handles the connection. A call fails only if it would also fail without this process; the
 * exception is listen(2) on a switched socket.
 *
 * The process reads data of the kernel, files of /proc, and an address of fixed size from the
 * memory of the command. The system calls that it may make are in sys/seccomp/filters. The command
 * can block it for a time, for example with memory whose content a FUSE server provides; then the
 * launcher replaces it (accel.c).
 */
#include "worker.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attempt.h"
#include "examine.h"
#include "fauxroot/base/clock.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/str.h"
#include "fauxroot/config/range.h"
#include "fauxroot/sys/memory.h"
#include "filters.h"
#include "replace.h"
#include "routes.h"
#include "shortwait.h"
#include "state.h"

#ifndef __NR_landlock_restrict_self
#define __NR_landlock_restrict_self 446
#endif

/* After this long without a call the process is idle. */
#define CALM_MS 1000

#define ROUTE_MS 1000

static void answer_call(int notify, uint64_t id, int result, uint32_t flags)
{
	/* The kernel reads its own size of the struct, which may be larger than ours. */
	union {
		struct seccomp_notif_resp response;
		unsigned char room[NOTIFICATION_BYTES];
	} answer;

	memset(&answer, 0, sizeof(answer));
	answer.response.id = id;
	answer.response.error = MIN(result, 0);
	answer.response.val = MAX(result, 0);
	answer.response.flags = flags;
	(void)ioctl(notify, SECCOMP_IOCTL_NOTIF_SEND, &answer);
}

void worker_continue(int notify, uint64_t id)
{
	answer_call(notify, id, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
}

void worker_return(int notify, uint64_t id, int result)
{
	answer_call(notify, id, result, 0);
}

static bool is_excepted(const struct strv *except, const union endpoint *to)
{
	for (size_t i = 0; i < except->n; i++) {
		struct address_range range;

		if (range_parse(except->items[i], &range) == 0 && range_contains(&range, to))
			return true;
	}
	return false;
}

/* May the thread have Landlock rules? They do not apply to our socket. */
static bool is_landlocked(const struct worker *w, const struct attempt *a)
{
	switch (atomic_load(&w->page->landlock)) {
	case LANDLOCK_NONE:
		return false;
	case LANDLOCK_NO_NEW_PRIVS:
		return peek_no_new_privs(a->tid);
	default:
		return true;
	}
}

/*
 * A thread that waits in connect(2) cannot wait in epoll_wait(2) for the same socket. But another
 * thread can, or the same one later. So a blocking socket may be in a set as soon as the command
 * has made one.
 */
static bool may_be_in_set(const struct worker *w, const struct attempt *a)
{
	return a->flags & O_NONBLOCK || atomic_load(&w->page->sets) > 0;
}

/* Decide, and switch. Returns LEFT_NOT if the command has the host's socket now. */
static enum left try_switch(struct worker *w, struct attempt *a)
{
	enum left left = is_landlocked(w, a) ? LEFT_LANDLOCK : peek_address(a);

	if (left == LEFT_NOT)
		left = examine_address(a);
	if (left == LEFT_NOT && is_excepted(w->except, &a->plain))
		left = LEFT_EXCEPTED;
	if (left == LEFT_NOT)
		left = peek_fd(a, w->notify);
	if (left == LEFT_NOT)
		left = examine_socket(a, &w->ids);
	if (left == LEFT_NOT)
		left = routes_inside(&w->command_net, w->device, &a->plain, a->uid);
	if (left == LEFT_NOT)
		left = routes_outside(&w->host_net, &a->plain, &a->device);
	if (left == LEFT_NOT)
		left = peek_flags(a);
	if (left == LEFT_NOT && (a->flags & O_ASYNC))
		left = LEFT_OPTION;
	if (left == LEFT_NOT && may_be_in_set(w, a))
		left = sets_find(&w->sets, atomic_load(&w->page->sets), a);
	if (left == LEFT_NOT)
		left = replace_connect(w, a);
	if (left == LEFT_NOT)
		left = replace_hand_over(w, a);
	if (left == LEFT_NOT && (a->flags & O_NONBLOCK))
		a->result = -EINPROGRESS;
	return left;
}

static struct attempt attempt_of(const struct seccomp_notif *call)
{
	return (struct attempt){
		.id = call->id,
		.tid = (pid_t)call->pid,
		.number = (int)call->data.args[0],
		.pointer = call->data.args[1],
		.size = call->data.args[2],
		.thread = -1,
		.old = -1,
		.fresh = -1,
	};
}

static void close_attempt(struct attempt *a)
{
	fd_close(a->thread);
	short_wait_close((int *const[]){&a->fresh, &a->old}, 2);
}

static void serve_connect(struct worker *w, const struct seccomp_notif *call)
{
	struct attempt a = attempt_of(call);
	enum left left = try_switch(w, &a);

	atomic_fetch_add(left == LEFT_NOT ? &w->page->switched : &w->page->left[left], 1);
	if (a.result < 0)
		worker_return(w->notify, a.id, a.result);
	else
		worker_continue(w->notify, a.id);
	close_attempt(&a);
}

/* Is @fd a socket of the host that a switch process has made? The caller of fauxroot can pass a
 * listening socket to the command, which may call listen(2) on it again. */
static bool is_ours(const struct worker *w, int fd)
{
	return netns_of(&w->ids, fd) == NET_OF_HOST &&
	       get_int(fd, SOL_SOCKET, SO_BINDTOIFINDEX) > 0 && !examine_is_listening(fd);
}

/*
 * The kernel must not execute the command's listen(2) on TCP sockets: the command could put a
 * switched socket in the place of another one meanwhile. So listen here, on our copy of the socket.
 * Other sockets than TCP keep the command's credentials (man 7 unix, SO_PEERCRED).
 */
static void serve_listen(struct worker *w, const struct seccomp_notif *call)
{
	struct attempt a = attempt_of(call);

	if (peek_fd(&a, w->notify) != LEFT_NOT ||
	    get_int(a.old, SOL_SOCKET, SO_PROTOCOL) != IPPROTO_TCP)
		worker_continue(w->notify, a.id);
	else if (is_ours(w, a.old))
		worker_return(w->notify, a.id, -EINVAL);
	else
		worker_return(w->notify, a.id,
			      listen(a.old, (int)call->data.args[1]) < 0 ? -errno : 0);
	close_attempt(&a);
}

/* Give the command a new set. Returns its descriptor there, or -1. */
static int give_set(const struct worker *w, const struct seccomp_notif *call)
{
	bool has_flags = call->data.nr == __NR_epoll_create1;
	int value = (int)call->data.args[0];
	int flags = has_flags ? value : 0;
	struct seccomp_notif_addfd addfd = {
		.id = call->id,
		.newfd_flags = flags & EPOLL_CLOEXEC ? O_CLOEXEC : 0,
	};
	_cleanup_close_ int set = -1;

	/* epoll_create(2) has a size. */
	if ((flags & ~EPOLL_CLOEXEC) || (!has_flags && value <= 0))
		return -1;
	set = epoll_create1(EPOLL_CLOEXEC);
	addfd.srcfd = (uint32_t)set;
	return set < 0 ? -1 : ioctl(w->notify, SECCOMP_IOCTL_NOTIF_ADDFD, &addfd);
}

/*
 * epoll_create(2). The set must exist when it is counted: otherwise the other process could search
 * before it exists, and remember that there is none. So make it here.
 */
static void serve_set(struct worker *w, const struct seccomp_notif *call)
{
	int number = give_set(w, call);

	atomic_fetch_add(&w->page->sets, 1);
	if (number >= 0)
		worker_return(w->notify, call->id, number);
	else
		worker_continue(w->notify, call->id);
}

/*
 * landlock_restrict_self(2). A thread without privileges must set no_new_privs before, and its
 * children have it, too. So only such threads can have rules, unless a privileged one sets some.
 */
static void serve_landlock(struct worker *w, const struct seccomp_notif *call)
{
	uint32_t none = LANDLOCK_NONE;

	if (!peek_no_new_privs((pid_t)call->pid))
		atomic_store(&w->page->landlock, LANDLOCK_ALL);
	else
		(void)atomic_compare_exchange_strong(&w->page->landlock, &none,
						     LANDLOCK_NO_NEW_PRIVS);
	worker_continue(w->notify, call->id);
}

static void serve(struct worker *w, const struct seccomp_notif *call)
{
	switch (call->data.nr) {
	case __NR_connect:
		serve_connect(w, call);
		break;
	case __NR_listen:
		serve_listen(w, call);
		break;
	case __NR_landlock_restrict_self:
		serve_landlock(w, call);
		break;
	default:
		serve_set(w, call);
	}
}

/* Wait for a call. Returns false if no process of the command is left. */
static bool await(struct worker *w)
{
	struct pollfd fd = {.fd = w->notify, .events = POLLIN};
	int ready = poll(&fd, 1, CALM_MS);

	if (ready == 0)
		ready = memory_sleep(&fd, 1);
	return !(ready > 0 && (fd.revents & (POLLHUP | POLLERR | POLLNVAL)));
}

/* If the other process was faster, this waits for the next call. */
static bool receive(struct worker *w)
{
	memset(w->slot->notification, 0, sizeof(w->slot->notification));
	atomic_store(&w->slot->since_ms, 0);
	if (ioctl(w->notify, SECCOMP_IOCTL_NOTIF_RECV, w->slot->notification) < 0)
		return false;
	atomic_store(&w->slot->since_ms, clock_ms());
	return true;
}

/* Drop the answers that a process before this one did not read: they have the same numbers. */
static void drop_answers(int fd)
{
	unsigned char byte;

	while (recv(fd, &byte, sizeof(byte), MSG_DONTWAIT) >= 0)
		;
}

static int learn(struct worker *w)
{
	int rc = netlink_open(NETLINK_ROUTE, ROUTE_MS, &w->host_net, NULL);

	if (rc < 0)
		return rc;
	drop_answers(w->command_net.fd);
	ports_learn(&w->ports);
	carry_learn(&w->defaults);
	return netns_learn(w->command_net.fd, w->host_net.fd, &w->ids);
}

void worker_main(struct worker *w)
{
	/* The command may use higher descriptors than we do: sets.h. */
	(void)fd_raise_limit();
	if (learn(w) < 0 || short_wait_prepare() < 0 || filters_confine(NULL) < 0)
		_exit(1);
	while (await(w)) {
		struct seccomp_notif call;

		if (!receive(w))
			continue;
		memcpy(&call, w->slot->notification, sizeof(call));
		serve(w, &call);
		/* The wait for the next call may take any time. */
		atomic_store(&w->slot->since_ms, 0);
	}
	/* The command has ended, and the launcher ends this process. */
	for (;;)
		(void)poll(NULL, 0, -1);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Look into the process that has made a system call. The switch process runs in the host's
 * namespaces with the launcher's user id, which owns the middle user namespace. That gives it all
 * capabilities over the processes of the command (man 7 user_namespaces), whatever ids these have.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "page.h"

struct attempt;

/*
 * peek_address() - copy the address from the memory of the process to @a->to and @a->plain
 *
 * The command can change that memory at any time. Returns LEFT_NOT, LEFT_UNREADABLE or LEFT_FAMILY.
 */
enum left peek_address(struct attempt *a);

/*
 * peek_fd() - open the thread and copy its socket: @a->thread and @a->old
 * @notify: shows that the system call is still in progress, so the thread ID was not reused
 *
 * Returns LEFT_NOT or LEFT_UNREADABLE.
 */
enum left peek_fd(struct attempt *a, int notify);

/* peek_flags() - @a->flags, from /proc/TID/fdinfo; LEFT_NOT or LEFT_UNREADABLE */
enum left peek_flags(struct attempt *a);

/* peek_no_new_privs() - does the thread have no_new_privs (man 2 prctl)? Also true if unknown. */
bool peek_no_new_privs(pid_t tid);

/* The network namespace of a socket. */
enum socket_net {
	NET_OF_COMMAND,
	NET_OF_HOST,
	NET_OTHER, /* a network namespace that the command has made */
};

/* How to recognize both network namespaces. */
struct netns_ids {
	bool by_cookie; /* Linux 5.14: SO_NETNS_COOKIE; else inode numbers */
	uint64_t command, host;
};

/*
 * netns_learn() - read how to recognize the network namespaces of two sockets
 * @command: a socket of the command's network namespace
 * @host: a socket of our own network namespace
 *
 * Returns 0 or -errno.
 */
int netns_learn(int command, int host, struct netns_ids *ret);

/* netns_of() - the network namespace of the socket @fd */
enum socket_net netns_of(const struct netns_ids *ids, int fd);

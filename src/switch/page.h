/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that the launcher shares with the switch processes: the calls in progress, and counters.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#define SWITCH_WORKERS 2 /* ACCEL_PROCESSES */

/* Why a connection was left to the user-mode network. */
enum left {
	LEFT_NOT = 0,	 /* it was switched */
	LEFT_UNREADABLE, /* the kernel does not let us look into the process */
	LEFT_FAMILY,	 /* neither IPv4 nor IPv6 */
	LEFT_INSIDE,	 /* the address belongs to the command's network */
	LEFT_EXCEPTED,	 /* --net-accel-except */
	LEFT_SOCKET,	 /* it is no TCP socket, or was used before */
	LEFT_NETWORK,	 /* a socket of another network namespace */
	LEFT_BOUND,	 /* the command has bound it */
	LEFT_OPTION,	 /* a socket option that cannot be carried over */
	LEFT_LANDLOCK,	 /* the process may have restricted its connections by Landlock */
	LEFT_SHARED,	 /* another descriptor refers to the socket, too */
	LEFT_HOST,   /* the host has no route by a gateway or link, or is the destination itself */
	LEFT_CLOSED, /* the command has closed its descriptor meanwhile */
	LEFT_FAILED, /* the host's socket failed: descriptors, memory, ports, its firewall */
	LEFT_COUNT_
};

/* Which threads of the command may have rules of Landlock (man 7 landlock)? Their connections are
 * left to the kernel, which applies the rules. */
enum {
	LANDLOCK_NONE = 0,
	LANDLOCK_NO_NEW_PRIVS, /* threads with no_new_privs */
	LANDLOCK_ALL,
};

/* Room for the kernel's struct seccomp_notif, which may grow. */
#define NOTIFICATION_BYTES 256

/* One per switch process. */
struct slot {
	/*
	 * The kernel writes the notification to here, so the launcher sees each call that the
	 * process has received, even if the process dies at once. 0: none.
	 */
	_Alignas(16) unsigned char notification[NOTIFICATION_BYTES];
	_Atomic int64_t since_ms; /* when it was received; 0: not known yet */
};

struct page {
	struct slot slots[SWITCH_WORKERS];
	_Atomic uint64_t switched;
	_Atomic uint64_t left[LEFT_COUNT_];
	_Atomic uint32_t landlock; /* LANDLOCK_… */
	_Atomic uint32_t sets;	   /* how often a process of the command has made an epoll set */
};

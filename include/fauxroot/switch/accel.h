/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --net-accel=switch: TCP connections of the command that leave its network get sockets of the
 * host, so that their data does not pass through the user-mode network. The child installs a
 * seccomp filter that reports connect(2); processes of the launcher replace the sockets.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "fauxroot/base/macro.h"

struct accel;
struct children;
struct error;
struct event_base;
struct strv;

/* The number of switch processes: one works while the other one waits for the kernel. */
#define ACCEL_PROCESSES 2

/* The descriptors that the child passes to the launcher. */
struct accel_kit {
	int notify; /* the notification descriptor of its filter; -1: another filter has one */
	int routes[ACCEL_PROCESSES]; /* NETLINK_ROUTE sockets of its network namespace: a process
					must not read the answers for another one */
};

#define ACCEL_KIT_NONE ((struct accel_kit){-1, {-1, -1}})

/* accel_kit_close() - close the descriptors of @kit */
void accel_kit_close(struct accel_kit *kit);

/*
 * accel_install_child() - in the child, before the command: install the filter
 * @ret: the caller sends the descriptors to the launcher and closes them
 *
 * From now on connect(2) of the child waits for the launcher. A process can have only one filter
 * with notifications; if there is one already, @ret->notify is -1. Returns 0 or -errno at step
 * STEP_NET: REASON_ACCEL if the kernel has no notifications.
 */
int accel_install_child(struct accel_kit *ret, struct error *err);

/*
 * accel_start() - check that this machine allows switching, and start the processes
 * @kit: from the child; the function takes ownership of its descriptors, also on failure
 * @ifname: name of the user-mode network's interface in the command's network
 * @except: networks that are not switched; must outlive the result
 * @child: a pidfd of the child, which still executes our own program; @child_pid its PID
 *
 * Returns 0 or -errno at step STEP_NET: REASON_ACCEL, about what is refused, if the kernel or a
 * security policy does not allow it. @ret is NULL after a failure.
 */
int accel_start(struct accel_kit *kit, const char *ifname, const struct strv *except, int child,
		pid_t child_pid, struct accel **ret, struct error *err);

/* accel_off() - make an acceleration that is off, for accel_count(); 0 or -errno */
int accel_off(struct accel **ret, struct error *err);

/*
 * accel_supervise() - restart the processes when they die, from the event loop of @base
 *
 * If one dies three times in a minute, the acceleration is turned off: the launcher lets the kernel
 * execute all calls, and writes one line to the log.
 */
void accel_supervise(struct accel *accel, struct event_base *base, struct children *children);

/* The state, for /v1/info. */
struct accel_counts {
	bool on;
	uint64_t switched; /* connections */
	uint64_t left;	   /* connections left to the user-mode network */
	uint64_t failed;   /* of these: the host's socket failed */
	unsigned restarts; /* of the processes */
};

/* accel_count() - read the state */
void accel_count(const struct accel *accel, struct accel_counts *ret);

/* accel_stop() - end the processes; accepts NULL */
void accel_stop(struct accel *accel);

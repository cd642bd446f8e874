/* SPDX-License-Identifier: Apache-2.0 */
/*
 * End the waits in the kernel that others cause by a descriptor that they send us.
 *
 * The last close(2) of a TCP socket with SO_LINGER waits until the other side has received
 * everything, or for the time that the socket's owner has set (man 7 socket). A process that sends
 * us such a socket (SCM_RIGHTS, man 7 unix) and closes its own copy leaves the last close to us. It
 * is the kernel's close, within our system call, if we read a message without room for descriptors,
 * or close a UNIX socket with unread messages. O_NONBLOCK and MSG_DONTWAIT do not help. A signal
 * ends the wait, and the connection is closed in the background.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <time.h>

struct nudge {
	timer_t timer;
	bool made;
	bool was_blocked; /* the signal, before */
	struct sigaction before;
};

#define NUDGE_NONE ((struct nudge){.made = false})

/*
 * nudge_begin() - let a signal interrupt our waits, from @ms milliseconds on, again and again
 *
 * The signal is SIGSTKFLT, which no kernel sends. Its disposition and its place in the signal mask
 * are restored by nudge_end(). Meanwhile one that another process sends is lost, and system calls
 * may fail with EINTR. After a failure (EAGAIN: no memory) calls may wait, as without it.
 */
void nudge_begin(struct nudge *nudge, unsigned ms);

/* nudge_again() - the time of nudge_begin() begins again, now */
void nudge_again(const struct nudge *nudge, unsigned ms);

/* nudge_end() - no more; accepts NUDGE_NONE */
void nudge_end(struct nudge *nudge);

/* nudge_close() - close @fd, which may be such a socket, or have unread messages with one; as
 * fd_close() */
int nudge_close(int fd);

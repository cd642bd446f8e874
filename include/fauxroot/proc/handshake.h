/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The protocols between the launcher and the middle process, and between the launcher and the
 * child. Each uses a SOCK_SEQPACKET pair.
 *
 *	launcher				middle process
 *	HANDSHAKE_MAPPED  ------------------->		your ids are mapped
 *			  <-------------------  HANDSHAKE_CHILD, with a pidfd: the child exists
 *			  <-------------------  HANDSHAKE_MAPPED: the child's ids are mapped
 *
 * After that the socket belongs to the holder: ns_holder_work().
 *
 *	launcher				child
 *			  <-------------------  HANDSHAKE_NETWORK, unless its network is the
 *						host's or detached: the namespace exists
 *	HANDSHAKE_MAPPED  ------------------->		your ids are mapped; the descriptor, if
 *						any, is the network namespace to bind
 *			  <-------------------  HANDSHAKE_ETC three times, if it mounts
 *						resolv.conf and hosts: etc_send()
 *			  <-------------------  HANDSHAKE_ACCEL three times, with --net-accel: the
 *						notification descriptor, if any, and sockets
 *						of its network
 *			  <-------------------  HANDSHAKE_MOUNTED
 *	HANDSHAKE_GO	  ------------------->		become the target
 *			  <-------------------  HANDSHAKE_INIT, only with --pidns: init runs
 *			  <------ end of file		execve(2) has succeeded
 *
 * The middle process and the child can send HANDSHAKE_FAILED instead of the next message, and
 * HANDSHAKE_LOG at any time. Any other end of file is a failure of the current step.
 */
#pragma once

#include <stdbool.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/log.h"

struct progress;

enum handshake_type {
	HANDSHAKE_MAPPED = 1,
	HANDSHAKE_MOUNTED,
	HANDSHAKE_GO,
	HANDSHAKE_FAILED,
	HANDSHAKE_LOG,
	HANDSHAKE_INIT,
	HANDSHAKE_NETWORK,
	HANDSHAKE_CHILD,
	HANDSHAKE_ETC,
	HANDSHAKE_ACCEL,
};

/* handshake_send() - send a message without content; 0 or -errno */
int handshake_send(int sock, enum handshake_type type);

/*
 * handshake_send_fd() - send a message with a descriptor
 * @fd: the caller keeps it; -1: send none
 *
 * Returns 0 or -errno.
 */
int handshake_send_fd(int sock, enum handshake_type type, int fd);

/* handshake_fail() - send an error as HANDSHAKE_FAILED */
void handshake_fail(int sock, const struct error *err);

/* handshake_log() - send a line of the log; a callback for log_redirect(), @arg points to the
 * socket's descriptor */
void handshake_log(void *arg, enum log_level level, const char *message);

/*
 * handshake_expect() - wait for the other side's next message
 * @type: the expected message; 0: end of file
 * @step_words: for the error: "mounting"
 * @cancel_fd: as in fd_wait()
 *
 * Log lines that come before are written to the log. Returns 0; -errno with the other side's error
 * if it sent HANDSHAKE_FAILED; -ECONNRESET if it has exited; -EPROTO if it sent another message;
 * -ECANCELED.
 */
int handshake_expect(int sock, enum handshake_type type, const char *step_words, int cancel_fd,
		     struct error *err);

/*
 * handshake_poll() - handshake_expect() for the event loop: does not wait
 *
 * Returns the same as handshake_expect(); -EAGAIN if @type has not come yet.
 */
int handshake_poll(int sock, enum handshake_type type, const char *step_words, struct error *err);

/*
 * handshake_receive_fd() - handshake_expect() for a message that may have a descriptor
 * @ret_fd: the descriptor, close-on-exec; -1: none
 */
int handshake_receive_fd(int sock, enum handshake_type type, const char *step_words, int cancel_fd,
			 int *ret_fd, struct error *err);

/*
 * handshake_follow() - handshake_receive_fd() with a time limit: the other side must make progress
 * at least every 30 seconds
 * @progress: the other side's current step
 * @ret_fd: as in handshake_receive_fd(); NULL for a message without a descriptor
 *
 * The time limit does not affect a slow child, which records step after step. Returns -ETIMEDOUT
 * with an error that names the step, else the same as handshake_receive_fd().
 */
int handshake_follow(int sock, enum handshake_type type, const char *step_words,
		     const struct progress *progress, int cancel_fd, int *ret_fd,
		     struct error *err);

/* handshake_await_end() - wait until the other side has exited; its messages are discarded */
void handshake_await_end(int sock);

/* handshake_peer_lives() - is the other side still alive? Does not block. */
bool handshake_peer_lives(int sock);

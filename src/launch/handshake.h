/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The conversations of the launcher with the middle process and with the child, each over a
 * SOCK_SEQPACKET pair.
 *
 *	launcher				middle process
 *	HANDSHAKE_MAPPED  ------------------->		your ids are mapped
 *			  <-------------------  HANDSHAKE_CHILD, with a pidfd: the child is there
 *			  <-------------------  HANDSHAKE_MAPPED: the child's ids are mapped
 *
 * What follows on that socket is a holder's: ns_holder_work().
 *
 *	launcher				child
 *			  <-------------------  HANDSHAKE_NETWORK, where it is to have a network
 *						namespace of its own: it is there
 *	HANDSHAKE_MAPPED  ------------------->		your ids are mapped; with a descriptor:
 *						this is the network namespace to bind
 *			  <-------------------  HANDSHAKE_ETC three times, where it has mounted
 *						resolv.conf and hosts: etc_hand()
 *			  <-------------------  HANDSHAKE_MOUNTED
 *	HANDSHAKE_GO	  ------------------->		become the target
 *			  <-------------------  HANDSHAKE_INIT, with --pidns only: init is there
 *			  <------ end of file		execve(2) has succeeded
 *
 * In place of its next message either may send HANDSHAKE_FAILED, and at any time HANDSHAKE_LOG.
 * End of file anywhere else is a failure of the step that was under way.
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
};

/* handshake_say() - a message without content; 0 or -errno */
int handshake_say(int sock, enum handshake_type type);

/* handshake_hand() - a message with the descriptor @fd, which stays the caller's, too; without one
 * where it is -1. Returns 0 or -errno. */
int handshake_hand(int sock, enum handshake_type type, int fd);

/* handshake_fail() - the child's error, as HANDSHAKE_FAILED */
void handshake_fail(int sock, const struct error *err);

/* handshake_log() - a line of the child's log, in the form of log_redirect(); @arg points to the
 * socket's descriptor */
void handshake_log(void *arg, enum log_level level, const char *message);

/*
 * handshake_expect() - wait for the other side's next message
 * @type: what must come; 0: end of file must come
 * @step_words: for the error: "mounting"
 * @cancel_fd: as fd_wait()
 *
 * Log lines are written on the way. Returns 0; -errno with the child's own error where it has
 * failed; -ECONNRESET where it has gone; -ECANCELED.
 */
int handshake_expect(int sock, enum handshake_type type, const char *step_words, int cancel_fd,
		     struct error *err);

/*
 * handshake_poll() - as handshake_expect(), as far as the other side has sent it already
 *
 * Never waits: for the event loop. Returns as handshake_expect(), and -EAGAIN where @type has not
 * come yet.
 */
int handshake_poll(int sock, enum handshake_type type, const char *step_words, struct error *err);

/*
 * handshake_take() - as handshake_expect(), for a message that may bring a descriptor
 * @ret_fd: it, close-on-exec; -1 where none came
 */
int handshake_take(int sock, enum handshake_type type, const char *step_words, int cancel_fd,
		   int *ret_fd, struct error *err);

/*
 * handshake_follow() - as handshake_take(), but not for ever: until the other side has made no
 * progress for 30 seconds
 * @progress: what it is at
 * @ret_fd: as there; NULL for a message that brings none
 *
 * A child that is slow and alive writes down step after step, and is waited for. -ETIMEDOUT with
 * what it was at.
 */
int handshake_follow(int sock, enum handshake_type type, const char *step_words,
		     const struct progress *progress, int cancel_fd, int *ret_fd,
		     struct error *err);

/* handshake_await_end() - wait until the other side has gone; what it says meanwhile is lost */
void handshake_await_end(int sock);

/* handshake_peer_lives() - has the other side not gone? Never blocks. */
bool handshake_peer_lives(int sock);

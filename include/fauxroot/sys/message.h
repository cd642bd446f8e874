/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Datagrams with descriptors: between processes of fauxroot over SOCK_SEQPACKET pairs, and for
 * sd_notify(3). One message is one record. A truncated record is an error, and end of file has a
 * result of its own.
 */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The most descriptors in one record: the kernel's SCM_MAX_FD. */
#define MESSAGE_MAX_FDS 253

/* message_pair() - socketpair(2) of SOCK_SEQPACKET, close-on-exec; 0 or -errno */
int message_pair(int ret_fds[2]);

/*
 * message_send() - send one record with up to MESSAGE_MAX_FDS descriptors (SCM_RIGHTS, man 7 unix)
 *
 * Never raises SIGPIPE. Returns 0 or -errno (EPIPE, ECONNRESET: the other side is closed).
 */
int message_send(int sock, const void *data, size_t size, const int *fds, size_t n_fds);

/*
 * message_recv() - receive one record
 * @size: size of the buffer @data; a longer record is -EMSGSIZE
 * @fds, @n_fds: array of *n_fds elements, at most MESSAGE_MAX_FDS; on return, *n_fds close-on-exec
 * descriptors. NULL or 0 elements: descriptors that arrive are dropped
 *
 * A dropped descriptor never enters our descriptor table: the kernel releases it. Closing it
 * ourselves could block as long as its file system wants (man 2 close, "Dealing with error
 * returns"; FUSE waits for its server), and the sender may have chosen the file system.
 *
 * Blocks unless the socket is non-blocking. Returns the record's size, 0 at end of file (and for an
 * empty datagram), -errno. EPROTO: more descriptors arrived than @fds can take. EMFILE: more
 * arrived than this process may open. In both cases the data is valid, and the descriptors that
 * arrived are closed.
 */
ssize_t message_recv(int sock, void *data, size_t size, int *fds, size_t *n_fds);

/*
 * message_lacks_fds() - does @rc of message_recv() mean that a record arrived without all of its
 * descriptors?
 *
 * In a process with several threads EPROTO may mean EMFILE: before the cause is determined, another
 * thread may have closed a descriptor.
 */
static inline bool message_lacks_fds(ssize_t rc)
{
	return rc == -EPROTO || rc == -EMFILE;
}

/* message_has_fds() - does the next record carry descriptors? Never blocks, and leaves the record
 * in the queue. Returns 1, 0, -EAGAIN if there is no record, or -errno */
int message_has_fds(int sock);

/*
 * message_peek_fds() - copies of the descriptors of the next record, which stays in the queue
 * @fds, @n_fds: as message_recv()
 *
 * Never blocks. Returns 0 or -errno as message_recv().
 */
int message_peek_fds(int sock, int *fds, size_t *n_fds);

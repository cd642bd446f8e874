/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Datagrams with descriptors: between processes of ours over SOCK_SEQPACKET pairs, and those of
 * sd_notify(3). One message is one record, a truncated one is an error, and end of file is told
 * apart from both.
 */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* What one record may carry: the kernel's SCM_MAX_FD. */
#define MESSAGE_MAX_FDS 253

/* message_pair() - socketpair(2) of SOCK_SEQPACKET, close-on-exec; 0 or -errno */
int message_pair(int ret_fds[2]);

/*
 * message_send() - one record with up to MESSAGE_MAX_FDS descriptors (SCM_RIGHTS, man 7 unix)
 *
 * Never raises SIGPIPE. Returns 0 or -errno (EPIPE, ECONNRESET: the other side has gone).
 */
int message_send(int sock, const void *data, size_t size, const int *fds, size_t n_fds);

/*
 * message_recv() - one record
 * @size: room at @data; a longer record is -EMSGSIZE
 * @fds, @n_fds: in: room, at most MESSAGE_MAX_FDS; out: how many arrived, close-on-exec. NULL, or
 * no room: descriptors that arrive uninvited are dropped
 *
 * What is dropped never becomes a descriptor of ours: the kernel lets go of it. Closing a
 * descriptor of a file may take as long as its file system likes (man 2 close, "Dealing with error
 * returns"; FUSE waits for its server), and the sender may have chosen the file system.
 *
 * Blocks unless the socket is non-blocking. Returns the record's size, 0 at end of file (and for an
 * empty datagram), -errno. With EPROTO more descriptors came than there was room for, with EMFILE
 * more than we may open; the data is there all the same, and those that came are closed.
 */
ssize_t message_recv(int sock, void *data, size_t size, int *fds, size_t *n_fds);

/*
 * message_lacks_fds() - does @rc of message_recv() say that a record came without all of its
 * descriptors?
 *
 * In a process of several threads EPROTO may stand for EMFILE: by the time that the cause is looked
 * for another thread may have closed one.
 */
static inline bool message_lacks_fds(ssize_t rc)
{
	return rc == -EPROTO || rc == -EMFILE;
}

/* message_has_fds() - does the next record bring descriptors? Never blocks, and takes nothing: 1,
 * 0; -EAGAIN where there is no record, -errno */
int message_has_fds(int sock);

/*
 * message_peek_fds() - copies of the descriptors of the next record, which stays where it is
 * @fds, @n_fds: as message_recv()
 *
 * Never blocks. Returns 0 or -errno as message_recv().
 */
int message_peek_fds(int sock, int *fds, size_t *n_fds);

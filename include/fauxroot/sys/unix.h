/* SPDX-License-Identifier: Apache-2.0 */
/* UNIX sockets bound to a file (man 7 unix). */
#pragma once

#include <stdbool.h>

struct error;

/*
 * unix_bind() - create a socket bound to the file @dir/@name
 * @type: SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM
 * @ret: the socket
 *
 * The socket is close-on-exec and non-blocking. Its file has mode 0600, whatever the umask is.
 * Returns 0 or -errno (ENAMETOOLONG: a path of more than 107 bytes).
 */
int unix_bind(const char *dir, const char *name, int type, int *ret, struct error *err);

/*
 * unix_connect() - create a socket connected to the file @path, which is absolute and canonical
 * @type, @ret: as unix_bind()
 *
 * Symbolic links are refused: other users may be able to write to parent directories, and a link
 * can lead to a mount of theirs that never answers. The socket is close-on-exec and non-blocking;
 * connecting a UNIX socket takes no time. Returns 0 or -errno (ENOENT, ECONNREFUSED: no listener;
 * EAGAIN: the queue is full; ELOOP; ENOTSOCK).
 */
int unix_connect(const char *path, int type, int *ret);

/*
 * unix_refuse_fds() - let the kernel refuse descriptors that are sent to @sock, and to connections
 * that it accepts later (SO_PASSRIGHTS, Linux 6.16): sendmsg(2) fails with EPERM
 *
 * sys/nudge.h explains what a descriptor can do to the receiver.
 */
void unix_refuse_fds(int sock);

/* unix_takes_fds() - may a message to @sock carry descriptors? True on older kernels. */
bool unix_takes_fds(int sock);

/* unix_chmod() - set the mode of the socket @path, resolved as by unix_connect(); 0 or -errno */
int unix_chmod(const char *path, unsigned mode);

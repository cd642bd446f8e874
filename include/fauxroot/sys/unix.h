/* SPDX-License-Identifier: Apache-2.0 */
/* UNIX sockets that have a file (man 7 unix). */
#pragma once

struct error;

/*
 * unix_bind() - a socket bound to the file @dir/@name
 * @type: SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM
 *
 * Close-on-exec and non-blocking; its file has the mode 0600 whatever the umask is. Returns 0 or
 * -errno (ENAMETOOLONG: a path of more than 107 bytes).
 */
int unix_bind(const char *dir, const char *name, int type, int *ret, struct error *err);

/*
 * unix_connect() - a socket connected to the file @path, absolute and canonical
 * @type: as unix_bind()
 *
 * No symbolic link is followed: somebody else may write in the directories on the way, and a link
 * can lead into mounts of theirs that never answer. Close-on-exec and non-blocking; connecting to a
 * UNIX socket takes no time. Returns 0 or -errno (ENOENT, ECONNREFUSED: nobody listens; EAGAIN: the
 * queue is full; ELOOP; ENOTSOCK).
 */
int unix_connect(const char *path, int type, int *ret);

/* unix_chmod() - set the mode of the socket @path, found as unix_connect() does; 0 or -errno */
int unix_chmod(const char *path, unsigned mode);

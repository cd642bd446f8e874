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

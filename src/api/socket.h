/* SPDX-License-Identifier: Apache-2.0 */
/* The UNIX sockets of the state directory: how they are made. */
#pragma once

#include <sys/socket.h>

struct error;

/*
 * socket_listen() - a listening socket @dir/@name
 * @type: SOCK_STREAM, SOCK_SEQPACKET
 *
 * Close-on-exec and non-blocking; its file has the mode 0600 whatever the umask is. Returns 0 or
 * -errno.
 */
int socket_listen(const char *dir, const char *name, int type, int *ret, struct error *err);

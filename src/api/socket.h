/* SPDX-License-Identifier: Apache-2.0 */
/* Creating the UNIX sockets of the state directory. */
#pragma once

#include <sys/socket.h>

struct error;

/*
 * socket_listen() - create the listening socket @dir/@name
 * @type: SOCK_STREAM or SOCK_SEQPACKET
 *
 * The socket is close-on-exec and non-blocking. Its file has the mode 0600 with every umask.
 * Clients cannot send descriptors to it, as far as the kernel can refuse them: unix_refuse_fds().
 * Returns 0 or -errno.
 */
int socket_listen(const char *dir, const char *name, int type, int *ret, struct error *err);

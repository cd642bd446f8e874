/* SPDX-License-Identifier: Apache-2.0 */
/* The UNIX sockets of the state directory: how they are made, and who may talk to them. */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>

struct error;

/*
 * socket_listen() - a listening socket @dir/@name
 * @type: SOCK_STREAM, SOCK_SEQPACKET
 *
 * Close-on-exec and non-blocking; its file has the mode 0600 whatever the umask is. Returns 0 or
 * -errno.
 */
int socket_listen(const char *dir, const char *name, int type, int *ret, struct error *err);

/* socket_peer() - who is at the other end (man 7 unix, SO_PEERCRED); 0 or -errno */
int socket_peer(int fd, struct ucred *ret);

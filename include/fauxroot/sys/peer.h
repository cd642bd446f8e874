/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process at the other end of a connected UNIX socket (man 7 unix): who it is, and on which
 * side of a user namespace it stands.
 *
 * For a server this is the process that called connect(2), for a client the one that called
 * listen(2), whoever holds the sockets now.
 */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "fauxroot/base/macro.h"
#include "fauxroot/base/spawn.h"

struct peer {
	uid_t uid; /* as our user namespace has them */
	gid_t gid;
	struct process process; /* held by its pidfd; pid is 0 where our /proc does not show it */
};

#define PEER_NONE ((struct peer){(uid_t)-1, (gid_t)-1, PROCESS_NONE})

/* peer_credentials() - user, group and PID of the peer of @sock (SO_PEERCRED); 0 or -errno */
int peer_credentials(int sock, struct ucred *ret);

/* What a peer has called. */
enum peer_side {
	PEER_CONNECTED, /* connect(2): we are the server */
	PEER_LISTENS,	/* listen(2): we are the client */
};

/*
 * peer_open() - the peer of @sock, held by a pidfd
 * @ret: for peer_close()
 *
 * With SO_PEERPIDFD (Linux 6.5) the pidfd is the peer's beyond doubt. Older kernels give its PID
 * alone, which is opened (pidfd_open(2)). A client is believed only as long as the connection has
 * not been closed from over there. Of a server that proves nothing: it closes what it has answered
 * and lives on. One that has ended, and has left its socket to another process, can be taken for
 * one that has got its PID since. Returns 0; -ESRCH where the peer has ended, or has no PID in our
 * PID namespace and the kernel has no SO_PEERPIDFD; -errno.
 */
int peer_open(int sock, enum peer_side side, struct peer *ret);

/* peer_close() - close the pidfd; accepts PEER_NONE */
void peer_close(struct peer *peer);

#define _cleanup_peer_ _cleanup_(peer_close)

/* Where a peer's user namespace is, seen from ours. */
enum peer_place {
	PEER_UNKNOWN = 0,
	PEER_HERE,  /* it is ours */
	PEER_BELOW, /* ours is its parent, or a parent's parent */
	PEER_ABOVE, /* neither: it can be a parent of ours */
};

/*
 * peer_place() - where the user namespace of @peer is
 *
 * Reads /proc/PID/ns/user (man 5 proc), for which ptrace(2) access is needed. Where that is
 * refused, as for a peer with file capabilities, /proc/PID/uid_map tells, which anybody may read:
 * one of our user namespace shows what /proc/self/uid_map does, and only a map from outside names
 * ids that we do not have. A peer that has ended is PEER_UNKNOWN. Never fails.
 */
enum peer_place peer_place(const struct peer *peer);

/* peer_initial_userns() - is the calling process in the initial user namespace, above which there
 * is none? Also true where that cannot be seen. */
bool peer_initial_userns(void);

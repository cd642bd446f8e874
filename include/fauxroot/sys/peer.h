/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process at the other end of a connected UNIX socket (man 7 unix): its identity, and the
 * relation of its user namespace to ours.
 *
 * For a server the peer is the process that called connect(2); for a client it is the process that
 * called listen(2). Other processes may hold the sockets by now.
 */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "fauxroot/base/macro.h"
#include "fauxroot/base/spawn.h"

struct peer {
	uid_t uid; /* as seen in our user namespace */
	gid_t gid;
	struct process process; /* with its pidfd; pid is 0 if our /proc does not show it */
};

#define PEER_NONE ((struct peer){(uid_t)-1, (gid_t)-1, PROCESS_NONE})

/* peer_credentials() - user, group and PID of the peer of @sock (SO_PEERCRED); 0 or -errno */
int peer_credentials(int sock, struct ucred *ret);

/* The system call by which the peer got its end of the connection. */
enum peer_side {
	PEER_CONNECTED, /* connect(2): we are the server */
	PEER_LISTENS,	/* listen(2): we are the client */
};

/*
 * peer_open() - open a pidfd of the peer of @sock
 * @ret: release it with peer_close()
 *
 * With SO_PEERPIDFD (Linux 6.5) the pidfd is certainly the peer's. Older kernels only give the PID,
 * which is opened with pidfd_open(2). The PID of a client is used only if the client has not closed
 * the connection: an open connection shows that the client has not exited. For a server this check
 * is useless: it closes a connection after the answer, and keeps running. If a server has exited
 * and left its socket to another process, an unrelated process with the same PID can be mistaken
 * for the server. Returns 0; -ESRCH if the peer has exited, or has no PID in our PID namespace and
 * the kernel lacks SO_PEERPIDFD; -errno.
 */
int peer_open(int sock, enum peer_side side, struct peer *ret);

/* peer_close() - close the pidfd; accepts PEER_NONE */
void peer_close(struct peer *peer);

#define _cleanup_peer_ _cleanup_(peer_close)

/* The relation of a peer's user namespace to ours. */
enum peer_relation {
	PEER_UNKNOWN = 0,
	PEER_HERE,  /* it is the same */
	PEER_BELOW, /* our user namespace is its parent or a further ancestor */
	PEER_ABOVE, /* neither: it may be an ancestor of ours */
};

/*
 * peer_relation() - the relation of the user namespace of @peer to ours
 *
 * Reads /proc/PID/ns/user (man 5 proc), which needs ptrace(2) access. If that is refused, as for a
 * peer with file capabilities, it reads /proc/PID/uid_map, which every user may read. In our user
 * namespace that map equals /proc/self/uid_map. Only a map from outside contains ids that we do not
 * have. A peer that has exited is PEER_UNKNOWN. Never fails.
 */
enum peer_relation peer_relation(const struct peer *peer);

/* peer_initial_userns() - is the calling process in the initial user namespace, which has no
 * parent? Also true if this cannot be determined. */
bool peer_initial_userns(void);

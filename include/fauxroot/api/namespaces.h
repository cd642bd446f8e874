/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ns.sock: the launcher sends descriptors of its pinned namespaces (SCM_RIGHTS) to processes of its
 * own user. `fauxrootctl exec` joins these namespaces, even if the target has moved to others.
 *
 * ns.sock is a SOCK_SEQPACKET socket in the state directory. The launcher sends three records to a
 * client that connects, and closes the connection:
 *
 * 1. The path of the state directory, with one descriptor for each namespace. NS_GET_NSTYPE returns
 *    the type of the namespace of a descriptor (man 2 ioctl_ns).
 * 2. The names of all these types, "user net mnt": ns_set_names().
 * 3. "1 0.1.0": the version of these records, then the launcher's. The number changes if the
 *    meaning of the first two records changes. Later versions may add words to this record, and
 *    records after it.
 *
 * Older launchers do not send the second or the third record, and older clients do not read them.
 * A client ignores words and records that it does not know.
 *
 * The launcher reads nothing from a client, so a slow client cannot delay it.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "fauxroot/base/macro.h"
#include "fauxroot/sys/ns.h"

struct error;
struct event_base;
struct ns_server;

/*
 * ns_server_start() - bind, listen, send the namespaces to clients
 * @path: of the state directory; the socket is @path/ns.sock, mode 0600
 * @ns: must outlive the server
 *
 * Returns 0 or -errno at step STEP_API.
 */
int ns_server_start(struct event_base *base, const char *path, const struct ns_set *ns,
		    struct ns_server **ret, struct error *err);

/* ns_server_stop() - accepts NULL */
void ns_server_stop(struct ns_server *server);

/* The version of the records. */
#define NS_RECORDS_VERSION	1
#define NS_RECORDS_VERSION_TEXT "1"

/* The answer of a launcher. */
struct ns_answer {
	uint32_t version; /* of the records; 0: an older launcher, which does not send it */
	struct ns_set ns; /* -1 for namespaces that the child shares with the launcher */
	char *state_dir;
	uid_t uid; /* of the launcher */
	gid_t gid;
};

#define NS_ANSWER_NONE ((struct ns_answer){.ns = NS_SET_NONE})

/* ns_answer_clear() - close the namespaces and free the contents of @answer */
void ns_answer_clear(struct ns_answer *answer);

#define _cleanup_ns_answer_ _cleanup_(ns_answer_clear)

/*
 * ns_ask() - get the namespaces of the launcher that listens on the socket @path
 *
 * The call takes ten seconds at most. The listener must have our own user id and pass
 * api_check_server(). The answer must have the user and the mount namespace, and all namespaces in
 * the second record. Returns 0; connect(2)'s -errno; -EPERM if the listener is not trusted;
 * -ETIMEDOUT; -EPROTONOSUPPORT if the launcher's records have a later version; -EPROTO if the
 * answer is invalid or has a namespace of an unknown type.
 */
int ns_ask(const char *path, struct ns_answer *ret, struct error *err);

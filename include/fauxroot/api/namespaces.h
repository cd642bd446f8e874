/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ns.sock: the launcher hands its pinned namespaces out, by descriptor (SCM_RIGHTS), to processes
 * of its own user: `fauxrootctl exec` joins them whatever the target has made of itself.
 *
 * A SOCK_SEQPACKET socket in the state directory. A client that connects is sent two records, and
 * the connection is closed:
 *
 *  1. the path of the state directory, with one descriptor a namespace. What kind a namespace is
 *     of, its descriptor says (man 2 ioctl_ns, NS_GET_NSTYPE).
 *  2. the names of all those kinds, "user net mnt": ns_set_names(). Launchers and clients from
 *     before there was this record do without it.
 *
 * A client says nothing, so none can be slow.
 */
#pragma once

#include <sys/types.h>

#include "fauxroot/base/macro.h"
#include "fauxroot/sys/ns.h"

struct error;
struct event_base;
struct ns_server;

/*
 * ns_server_start() - bind, listen, hand out
 * @path: of the state directory; the socket is @path/ns.sock, mode 0600
 * @ns: must outlive the server
 *
 * Returns 0 or -errno at step STEP_API.
 */
int ns_server_start(struct event_base *base, const char *path, const struct ns_set *ns,
		    struct ns_server **ret, struct error *err);

/* ns_server_stop() - accepts NULL */
void ns_server_stop(struct ns_server *server);

/* What a launcher hands out. */
struct ns_answer {
	struct ns_set ns; /* -1 for those that the child shares with the launcher */
	char *state_dir;
	uid_t uid; /* of the launcher */
	gid_t gid;
};

#define NS_ANSWER_NONE ((struct ns_answer){.ns = NS_SET_NONE})

void ns_answer_clear(struct ns_answer *answer);

#define _cleanup_ns_answer_ _cleanup_(ns_answer_clear)

/*
 * ns_ask() - take the namespaces of the launcher that listens on the socket @path
 *
 * Ten seconds at most. The answer is believed where whoever listens is of our own user, and in our
 * own user namespace: api_believe() tells how, and what is checked inside. It has the user and the
 * mount namespace, and all that the second record names. Returns 0; connect(2)'s -errno; -EPERM
 * where the listener must not be believed; -ETIMEDOUT; -EPROTO with what is wrong with the answer,
 * or where it has a namespace of a kind that is not known here.
 */
int ns_ask(const char *path, struct ns_answer *ret, struct error *err);

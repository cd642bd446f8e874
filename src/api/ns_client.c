/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/nsfs.h>

#include "fauxroot/api/trust.h"
#include "fauxroot/api/namespaces.h"
#include "fauxroot/base/clock.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"
#include "fauxroot/sys/message.h"
#include "fauxroot/sys/peer.h"

#define ASK_MS	10000
#define MAX_FDS 16

void ns_answer_clear(struct ns_answer *answer)
{
	ns_set_close(&answer->ns);
	free(answer->state_dir);
	*answer = NS_ANSWER_NONE;
}

/* Move each of @fds to @ns, or close it. */
static int sort_fds(int *fds, size_t n, struct ns_set *ns, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; i < n; i++) {
		/* ioctl(2) returns -1 for a descriptor that is not a namespace. */
		int *place = ns_set_member(ns, ioctl(fds[i], NS_GET_NSTYPE));

		if (place && *place < 0) {
			*place = TAKE_FD(fds[i]);
			continue;
		}
		fds[i] = fd_close(fds[i]);
		rc = err_say(
			err, EPROTO,
			place ? "it sent two namespaces of the same type"
			      : "it sent a descriptor that is not a namespace of a known type");
	}
	return rc;
}

/* Receive one record into @buf, NUL-terminated. Returns its size, 0 at the end of file, or -errno.
 */
static ssize_t take_record(int sock, char *buf, size_t size, int *fds, size_t *n_fds,
			   struct error *err)
{
	struct deadline deadline = deadline_in(ASK_MS);
	int rc = fd_wait(sock, POLLIN, &deadline, -1);
	ssize_t n;

	if (rc < 0) {
		err_set(err, -rc, "waiting for its answer");
		return rc;
	}
	n = message_recv(sock, buf, size - 1, fds, n_fds);
	if (n < 0)
		err_set(err, (int)-n, "reading its answer");
	else
		buf[n] = '\0';
	return n;
}

static int take_namespaces(int sock, struct ns_answer *answer, struct error *err)
{
	size_t n_fds = MAX_FDS;
	char dir[PATH_MAX];
	int fds[MAX_FDS], rc;
	ssize_t n = take_record(sock, dir, sizeof(dir), fds, &n_fds, err);

	if (n < 0)
		return (int)n;
	if (n == 0)
		return err_say(err, EPROTO, "it sent no answer");
	rc = sort_fds(fds, n_fds, &answer->ns, err);
	if (rc < 0)
		return rc;
	if (answer->ns.user < 0 || answer->ns.mnt < 0)
		return err_say(err, EPROTO, "its answer lacks the %s namespace",
			       answer->ns.user < 0 ? "user" : "mount");
	if (dir[0] != '/' || strlen(dir) != (size_t)n)
		return err_say(err, EPROTO, "its answer lacks the path of a state directory");
	answer->state_dir = strdup(dir);
	return answer->state_dir ? 0 : err_set(err, ENOMEM, "reading its answer");
}

/* Check that all namespaces have arrived. Older launchers do not send this record. */
static int take_names(int sock, const struct ns_answer *answer, struct error *err)
{
	char names[NS_NAMES_MAX], have[NS_NAMES_MAX];
	ssize_t n = take_record(sock, names, sizeof(names), NULL, NULL, err);

	if (n <= 0)
		return (int)n;
	if (streq(names, ns_set_names(&answer->ns, have)))
		return 0;
	return err_say(err, EPROTO, "it names the namespaces \"%s\" but sent \"%s\"", names, have);
}

/* Newer launchers may send more words. */
static int take_version(int sock, struct ns_answer *answer, struct error *err)
{
	char text[256];
	struct cursor c;
	ssize_t n = take_record(sock, text, sizeof(text), NULL, NULL, err);

	if (n <= 0)
		return (int)n;
	c = cursor_of(text);
	if (cursor_u32(&c, UINT32_MAX, &answer->version) < 0 || answer->version == 0)
		return err_say(err, EPROTO, "its answer has no version");
	if (answer->version > NS_RECORDS_VERSION)
		return err_say(
			err, EPROTONOSUPPORT,
			"its answer has version %u, and this program knows version %u: use the "
			"fauxrootctl of the launcher's version",
			answer->version, NS_RECORDS_VERSION);
	return 0;
}

/* Joining namespaces gives their processes access to us: accept only our own user's launcher. */
static int check_peer(int sock, struct ns_answer *answer, struct error *err)
{
	struct ucred peer;
	int rc = peer_credentials(sock, &peer);

	if (rc < 0)
		return err_set(err, -rc, "reading its peer credentials");
	if (peer.uid != geteuid())
		return err_say(err, EPERM, "it belongs to user %u, not to user %u", peer.uid,
			       geteuid());
	answer->uid = peer.uid;
	answer->gid = peer.gid;
	return api_check_server(sock, API_TO_ACT, err);
}

/* If a stopped launcher's listen queue is full, connect(2) would wait forever. */
static int connect_in_time(int sock, const struct sockaddr_un *addr)
{
	const struct timeval limit = {.tv_sec = ASK_MS / 1000};

	if (sock < 0 || setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0)
		return -errno;
	if (connect(sock, (const struct sockaddr *)addr, sizeof(*addr)) == 0)
		return 0;
	return errno == EAGAIN ? -ETIMEDOUT : -errno;
}

int ns_ask(const char *path, struct ns_answer *ret, struct error *err)
{
	_cleanup_close_ int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	_cleanup_ns_answer_ struct ns_answer answer = NS_ANSWER_NONE;
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int rc;

	if (str_print(addr.sun_path, sizeof(addr.sun_path), "%s", path) < 0)
		return err_set(err, ENAMETOOLONG, "connecting to \"%s\"", path);
	rc = connect_in_time(sock, &addr);
	if (rc < 0)
		return err_set(err, -rc, "connecting to \"%s\"", path);
	rc = check_peer(sock, &answer, err);
	if (rc == 0)
		rc = take_namespaces(sock, &answer, err);
	if (rc == 0)
		rc = take_names(sock, &answer, err);
	if (rc == 0)
		rc = take_version(sock, &answer, err);
	if (rc < 0)
		return err_wrap(err, rc, "\"%s\"", path);
	*ret = answer;
	answer = NS_ANSWER_NONE;
	return 0;
}

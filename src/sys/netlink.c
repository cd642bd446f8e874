/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The kernel executes a request within sendmsg(2), so its answer is available when that returns.
 * Still, the wait for it has a deadline. NETLINK_EXT_ACK makes the kernel add an error message to
 * its answer, and NETLINK_CAP_ACK keeps it from returning the request with it.
 *
 * Each message of a request has a sequence number of its own. If a batch of nf_tables is refused,
 * the answer has the numbers of all wrong messages in order, so the first answer to any of them is
 * the result. The next request ignores the rest of an answer.
 *
 * In a network namespace of the target, the target can also send netlink messages to our sockets.
 * So only datagrams from port 0, the kernel, are read (man 7 netlink).
 */
#include "fauxroot/sys/netlink.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "netlink_message.h"

int netlink_open(int protocol, int timeout_ms, struct netlink *ret, struct error *err)
{
	const struct sockaddr_nl any = {.nl_family = AF_NETLINK};
	_cleanup_close_ int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
	int on = 1;

	/* A socket needs a port of its own to get notifications. */
	if (fd < 0 || bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0)
		return err_set(err, errno, "opening a netlink socket of protocol %d", protocol);
	/* Both are optional; Linux before 4.12 lacks the first. */
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	*ret = netlink_of(TAKE_FD(fd), timeout_ms);
	return 0;
}

struct netlink netlink_of(int fd, int timeout_ms)
{
	return (struct netlink){.fd = fd, .timeout_ms = timeout_ms};
}

uint32_t netlink_port(const struct netlink *nl)
{
	struct sockaddr_nl name = {0};
	socklen_t size = sizeof(name);

	return getsockname(nl->fd, (struct sockaddr *)&name, &size) < 0 ? 0 : name.nl_pid;
}

void netlink_close(struct netlink *nl)
{
	fd_close(nl->fd);
	*nl = NETLINK_NONE;
}

int netlink_receive(const struct netlink *nl, void *buffer)
{
	struct sockaddr_nl from = {0};
	struct iovec part = {.iov_base = buffer, .iov_len = NETLINK_BUFFER_SIZE};
	struct msghdr header = {
		.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &part,
		.msg_iovlen = 1,
	};
	ssize_t n = recvmsg(nl->fd, &header, MSG_DONTWAIT);

	if (n < 0)
		return -errno;
	if (from.nl_pid != 0)
		return 0;
	return header.msg_flags & MSG_TRUNC ? -EMSGSIZE : (int)n;
}

/* Number the messages, request an acknowledgement if needed, and send them; 0 or -errno. */
static int send_request(struct netlink *nl, struct netlink_request *r, bool acknowledged,
			uint32_t *ret_first)
{
	const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};

	if (r->full || r->size == 0)
		return -EMSGSIZE;
	*ret_first = nl->seq + 1;
	for (size_t at = 0; at <= r->last;) {
		struct nlmsghdr *message = (struct nlmsghdr *)(void *)(r->bytes + at);

		acknowledged |= (message->nlmsg_flags & NLM_F_ACK) != 0;
		message->nlmsg_seq = ++nl->seq;
		at += NLMSG_ALIGN((size_t)message->nlmsg_len);
	}
	if (!acknowledged)
		netlink_current(r)->nlmsg_flags |= NLM_F_ACK;
	return sendto(nl->fd, r->bytes, r->size, 0, (const struct sockaddr *)&kernel,
		      sizeof(kernel)) < 0
		       ? -errno
		       : 0;
}

/* An answer: how to recognize and process it. */
struct answer {
	uint32_t first, last; /* the numbers of the request's messages */
	int (*take)(const struct nlmsghdr *message, void *arg);
	void *arg;
	const char *what;
	int refused; /* the -errno of @take, which is not called any more; else 0 */
};

/* Process one message. Returns 1 if the answer is complete, 0 if more messages follow, -errno. */
static int take_message(struct answer *answer, const struct nlmsghdr *message, struct error *err)
{
	const char *words;
	int rc;

	if (message->nlmsg_seq - answer->first > answer->last - answer->first)
		return 0;
	if (message->nlmsg_flags & NLM_F_DUMP_INTR)
		return err_set(err, EINTR, "%s", answer->what);
	if (answer->take && message->nlmsg_type >= NLMSG_MIN_TYPE) {
		/* Always read a dump to its end: an unfinished one keeps the socket busy. */
		if (answer->refused == 0)
			answer->refused = answer->take(message, answer->arg);
		return message->nlmsg_flags & NLM_F_MULTI ? 0 : 1;
	}
	rc = netlink_verdict(message, &words);
	if (rc < 0 && words)
		return err_set(err, -rc, "%s: %s", answer->what, words);
	return rc < 0 ? err_set(err, -rc, "%s", answer->what) : 1;
}

/* Process one datagram; returns as take_message(). */
static int take_datagram(const struct netlink *nl, struct answer *answer, struct error *err)
{
	_Alignas(NLMSG_ALIGNTO) unsigned char buffer[NETLINK_BUFFER_SIZE];
	int n = netlink_receive(nl, buffer), rc = 0;
	struct netlink_span rest = {buffer, buffer + MAX(n, 0)};
	const struct nlmsghdr *message;

	if (n == -EAGAIN)
		return 0;
	if (n < 0)
		return err_set(err, -n, "%s: reading the kernel's answer", answer->what);
	while (rc == 0 && (message = netlink_next_message(&rest)))
		rc = take_message(answer, message, err);
	if (rc == 0 && rest.at != rest.end)
		return err_say(err, EPROTO, "%s: malformed answer", answer->what);
	return rc;
}

static int exchange(struct netlink *nl, struct netlink_request *r, struct answer *answer,
		    struct error *err)
{
	struct deadline deadline = deadline_in(nl->timeout_ms);
	int rc = send_request(nl, r, answer->take != NULL, &answer->first);

	if (rc < 0)
		return err_set(err, -rc, "%s: sending to the kernel", answer->what);
	answer->last = nl->seq;
	while ((rc = take_datagram(nl, answer, err)) == 0) {
		rc = fd_wait(nl->fd, POLLIN, &deadline, -1);
		if (rc < 0)
			return err_set(err, -rc, "%s: waiting for the kernel's answer",
				       answer->what);
	}
	if (rc > 0 && answer->refused < 0)
		return err_set(err, -answer->refused, "%s", answer->what);
	return MIN(rc, 0);
}

int netlink_transact(struct netlink *nl, struct netlink_request *r, const char *what,
		     struct error *err)
{
	return exchange(nl, r, &(struct answer){.what = what}, err);
}

int netlink_query(struct netlink *nl, struct netlink_request *r,
		  int (*take)(const struct nlmsghdr *message, void *arg), void *arg,
		  const char *what, struct error *err)
{
	return exchange(nl, r, &(struct answer){.take = take, .arg = arg, .what = what}, err);
}

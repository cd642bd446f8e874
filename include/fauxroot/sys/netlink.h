/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Netlink (man 7 netlink): requests are composed in a buffer of the caller and sent in one
 * datagram. The kernel answers. The answer to a wrong request may contain an error message
 * (NETLINK_EXT_ACK).
 *
 * Used for rtnetlink (links, addresses, routes, rules: man 7 rtnetlink) and nfnetlink (nf_tables).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/netlink.h>

struct error;

/* The most bytes of one request, and of one received datagram. */
#define NETLINK_BUFFER_SIZE 16384

/* A netlink socket. */
struct netlink {
	int fd;
	int timeout_ms; /* of one transaction */
	uint32_t seq;	/* of the last message sent */
};

#define NETLINK_NONE ((struct netlink){-1, 0, 0})

/*
 * netlink_open() - open a socket of @protocol in the network namespace of the calling process
 * @protocol: NETLINK_ROUTE, NETLINK_NETFILTER, …
 * @timeout_ms: how long one transaction waits for the answer
 *
 * The socket is close-on-exec and non-blocking. It stays in its network namespace even if another
 * process uses it. Returns 0 or -errno (EPROTONOSUPPORT: the kernel lacks the protocol).
 */
int netlink_open(int protocol, int timeout_ms, struct netlink *ret, struct error *err);

/* netlink_of() - a session on @fd, a socket from netlink_open(); the session owns @fd */
struct netlink netlink_of(int fd, int timeout_ms);

/* netlink_port() - the port of the socket (man 7 netlink: nl_pid); 0 if it has none */
uint32_t netlink_port(const struct netlink *nl);

/* netlink_close() - close @nl; accepts NETLINK_NONE; @nl is NETLINK_NONE afterwards */
void netlink_close(struct netlink *nl);

#define _cleanup_netlink_ _cleanup_(netlink_close)

/* One message, or several in one datagram (a batch of nf_tables). */
struct netlink_request {
	size_t size; /* of all messages */
	size_t last; /* offset of the last message */
	bool full;   /* a message did not fit: netlink_transact() returns -EMSGSIZE */
	_Alignas(NLMSG_ALIGNTO) unsigned char bytes[NETLINK_BUFFER_SIZE];
};

/* netlink_clear() - empty @r; call it before the first netlink_begin() */
void netlink_clear(struct netlink_request *r);

/*
 * netlink_begin() - append a message; the attributes after it belong to it
 * @flags: NLM_F_…; NLM_F_REQUEST is added
 * @header: the family's header of @header_size bytes: struct ifinfomsg, struct nfgenmsg, …
 */
void netlink_begin(struct netlink_request *r, uint16_t type, uint16_t flags, const void *header,
		   size_t header_size);

/* netlink_put() - append an attribute of @size bytes. netlink_put_u32(): a number in host byte
 * order; netlink_put_be32(): in network byte order; netlink_put_string(): a string with its NUL */
void netlink_put(struct netlink_request *r, uint16_t type, const void *data, size_t size);
void netlink_put_u32(struct netlink_request *r, uint16_t type, uint32_t value);
void netlink_put_be32(struct netlink_request *r, uint16_t type, uint32_t value);
void netlink_put_string(struct netlink_request *r, uint16_t type, const char *value);

/* netlink_nest() - begin an attribute that contains the attributes up to netlink_nest_end(); pass
 * the return value to that */
size_t netlink_nest(struct netlink_request *r, uint16_t type);
void netlink_nest_end(struct netlink_request *r, size_t nest);

/*
 * netlink_transact() - send @r and wait until the kernel acknowledges or refuses it
 * @what: the action, for the error: "adding a route"
 *
 * The last message requests the acknowledgement, unless another message of @r has NLM_F_ACK.
 * Answers to earlier requests, and messages from senders other than the kernel, are ignored.
 * Returns 0, the kernel's -errno with its message in @err, -ETIMEDOUT, -EMSGSIZE if @r did not fit,
 * -EPROTO for an invalid answer.
 */
int netlink_transact(struct netlink *nl, struct netlink_request *r, const char *what,
		     struct error *err);

/*
 * netlink_query() - send @r and pass each message of the answer to @take
 * @take: called with each message; returns 0 or -errno. After -errno it is not called again, the
 * rest of the answer is read and dropped, and netlink_query() returns this -errno
 *
 * For requests that return data: RTM_GETLINK of one link (the answer is one message), or a dump
 * (NLM_F_DUMP; the answer ends with NLMSG_DONE). Returns as netlink_transact(); -EINTR if the data
 * changed during a dump: repeat it.
 */
int netlink_query(struct netlink *nl, struct netlink_request *r,
		  int (*take)(const struct nlmsghdr *message, void *arg), void *arg,
		  const char *what, struct error *err);

/*
 * netlink_receive() - receive one datagram of the kernel, without waiting
 * @buffer: NETLINK_BUFFER_SIZE bytes, aligned to NLMSG_ALIGNTO
 *
 * Returns its size, 0 for a datagram from another sender (a process with CAP_NET_ADMIN can send
 * such datagrams), -EAGAIN if there is none, -EMSGSIZE if it did not fit, -errno (ENOBUFS:
 * notifications were lost).
 */
int netlink_receive(const struct netlink *nl, void *buffer);

/* The unread bytes of a datagram or message. */
struct netlink_span {
	const unsigned char *at;
	const unsigned char *end;
};

struct netlink_attribute {
	uint16_t type; /* without NLA_F_NESTED and NLA_F_NET_BYTEORDER */
	uint16_t size; /* of the payload */
	const void *payload;
};

/* netlink_next_message() - take the next message from @rest, whose start is aligned to
 * NLMSG_ALIGNTO; NULL at the end, or if the rest is no complete message */
const struct nlmsghdr *netlink_next_message(struct netlink_span *rest);

/* netlink_attributes() - the attributes of @message after a family's header of @header_size bytes;
 * empty if the message is too short */
struct netlink_span netlink_attributes(const struct nlmsghdr *message, size_t header_size);

/* netlink_next_attribute() - take the next attribute from @rest; false at the end, or if the rest
 * is no complete attribute */
bool netlink_next_attribute(struct netlink_span *rest, struct netlink_attribute *ret);

/*
 * netlink_verdict() - the result of a request from @message, an NLMSG_ERROR or NLMSG_DONE
 * @ret_words: the kernel's error message, NUL-terminated, within @message; NULL if it sent none
 *
 * Returns 0 for an acknowledgement, the kernel's -errno, or -EPROTO for any other message.
 */
int netlink_verdict(const struct nlmsghdr *message, const char **ret_words);

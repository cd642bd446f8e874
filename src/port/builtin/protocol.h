/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two protocols of the builtin driver, over SOCK_SEQPACKET pairs.
 *
 * Control, between launcher and forwarder. The launcher sends orders, one at a time: ADD or REMOVE
 * a port, or SUPPLY, which passes the sockets towards the agent. The forwarder answers each order
 * with DONE, and sends LOG lines at any time. It reads the next order after it has answered the
 * previous one. A forwarder that cannot start sends FAILED as its last message, before or after the
 * first order.
 * - DONE of an ADD is sent when all workers watch the listeners. If one worker fails, no worker
 *   keeps them.
 * - DONE of a REMOVE is sent when the listeners are closed; its result is -ENOENT if the port is
 *   not known.
 * - DONE of a SUPPLY is sent when all workers have their socket.
 *
 * Supply, between forwarder and agent, one pair per worker: the forwarder requests a number of
 * sockets of one kind; the agent answers with as many as it could make.
 *
 * Records have a fixed size. The receiver checks each record with the functions below before it
 * uses the contents: the forwarder handles untrusted bytes, and the agent runs in the target's
 * namespaces, so both may be compromised.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "fauxroot/config/portspec.h"

/* The maximum number of workers: threads of the forwarder. */
#define MAX_WORKERS 8

/* The maximum number of sockets in one answer; below MESSAGE_MAX_FDS. */
#define MAX_BATCH 64

enum control_type {
	CONTROL_ADD = 1, /* launcher: relay clients of these listeners (1…PORT_LISTENERS_MAX
			    descriptors) */
	CONTROL_REMOVE,	 /* launcher: close the listeners of a port, and its connections */
	CONTROL_SUPPLY,	 /* launcher: sockets towards a new agent, one per worker */
	CONTROL_DONE,	 /* forwarder: the order with that serial was carried out, or refused */
	CONTROL_LOG,	 /* forwarder: a line for the log */
	CONTROL_FAILED,	 /* forwarder: it cannot start, and exits */
};

struct control_add {
	uint32_t udp;	      /* bool */
	uint32_t marked;      /* bool: use sockets of the kinds that carry the mark */
	uint32_t transparent; /* bool: keep the client's address */
	uint32_t wildcard;    /* bool: datagrams report the local address they arrived at */
	uint32_t destination; /* slot of @child, see proc/destinations.h */
	uint32_t counter;     /* slot of the port, see counters.h */
	uint32_t path_size;   /* of the path in the slot, if @child is AF_UNIX; else 0 */
	union endpoint child; /* the target's address; AF_UNIX: it is only in the slot */
	union endpoint proxy; /* the source for clients that cannot keep their address and are not
			       * on loopback; or AF_UNSPEC */
};

struct control_supply {
	uint64_t netns_cookie; /* the expected SO_NETNS_COOKIE; 0: this kernel has none */
};

struct control_log {
	uint32_t level; /* enum log_level */
	char text[256]; /* NUL-terminated */
};

struct control_message {
	uint32_t type;
	uint32_t id;	 /* of the port: ADD, REMOVE and their DONE; else 0 */
	uint32_t serial; /* of the order and of its DONE: so a late answer matches no later order */
	int32_t result;	 /* DONE: 0 or -errno; FAILED: -errno; else 0 */
	union {
		struct control_add add;
		struct control_supply supply;
		struct control_log log;
	};
};

/*
 * The kinds of sockets that the agent makes. TCP sockets can be bound to a foreign source address.
 * Marked sockets carry SO_MARK: connection tracking recognises them by the mark on kernels where it
 * cannot check their source (see tracking.c).
 */
enum socket_kind {
	KIND_TCP4 = 0,
	KIND_TCP6,
	KIND_UDP4,
	KIND_UDP6,
	KIND_TCP4_MARKED,
	KIND_TCP6_MARKED,
	KIND_UNIX, /* a stream; bound already, so that it cannot make a file */
	KIND_COUNT_
};

/* kind_family() - AF_INET, AF_INET6 or AF_UNIX */
int kind_family(enum socket_kind kind);

/* kind_type() - SOCK_STREAM or SOCK_DGRAM */
int kind_type(enum socket_kind kind);

/* kind_marked() - do sockets of @kind carry SOURCE_SOCKET_MARK? */
bool kind_marked(enum socket_kind kind);

/* kind_of() - the kind with these properties; @marked is ignored with @udp */
enum socket_kind kind_of(int family, bool udp, bool marked);

struct supply_request {
	uint32_t kind;
	uint32_t count; /* 1…MAX_BATCH */
};

struct supply_answer {
	uint32_t kind;
	uint32_t count; /* number of descriptors in the message; 0 with an error */
	int32_t error;	/* 0 or -errno */
};

/*
 * control_check_order() - check a record that the launcher sent
 * control_check_reply() - check a record that the forwarder sent
 * @size: bytes received
 * @n_fds: descriptors received
 *
 * Return 0 or -EPROTO.
 */
int control_check_order(const struct control_message *m, size_t size, size_t n_fds);
int control_check_reply(const struct control_message *m, size_t size, size_t n_fds);

/*
 * supply_check_request() - check a record that the forwarder sent to the agent
 * supply_check_answer() - check a record that the agent sent
 *
 * Return 0 or -EPROTO.
 */
int supply_check_request(const struct supply_request *m, size_t size);
int supply_check_answer(const struct supply_answer *m, size_t size, size_t n_fds);

/*
 * supply_check_socket() - is @fd a socket of @kind, made in the namespace of @netns_cookie?
 *
 * Returns 0 or -EPROTO. man 7 socket: SO_DOMAIN, SO_TYPE, SO_NETNS_COOKIE (Linux 5.14).
 */
int supply_check_socket(int fd, enum socket_kind kind, uint64_t netns_cookie);

/* socket_netns_cookie() - the cookie of the network namespace that @fd was made in; 0: not known */
uint64_t socket_netns_cookie(int fd);

/*
 * socket_stays_here() - choose Reno for the TCP socket @fd, whose peer is on this machine
 *
 * Every kernel has Reno, and every user may choose it (man 7 tcp: TCP_CONGESTION). The machine's
 * default may be BBR, which paces by timers and keeps only a dozen segments in flight; there is no
 * bottleneck here that it could find. Measured: a stream gets a fifth more throughput with Reno.
 */
void socket_stays_here(int fd);

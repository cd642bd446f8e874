/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two conversations of the builtin driver, over SOCK_SEQPACKET pairs.
 *
 * Control, launcher and forwarder: the launcher adds and removes ports, one at a time, and hands in
 * the agent's sockets; the forwarder answers each with DONE, and sends LOG lines whenever it likes.
 * DONE of an ADD comes when all workers have taken up the listeners; where one could not, none
 * keeps them. DONE of a REMOVE comes when they are closed; -ENOENT where the port is not known.
 * DONE of a SUPPLY comes when all workers have their socket. The forwarder reads an order when the
 * one before it has been answered.
 *
 * Supply, forwarder and agent, one pair a worker: the forwarder asks for so many sockets of a kind,
 * the agent answers with as many as it could make.
 *
 * Records have a fixed size. Whoever receives one checks it with the functions below before it
 * looks inside: the forwarder handles strangers' bytes, the agent lives in the target's namespaces.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "fauxroot/config/portspec.h"

/* At most this many workers: threads of the forwarder. */
#define MAX_WORKERS 8

/* At most this many sockets in one answer; MESSAGE_MAX_FDS is more. */
#define MAX_BATCH 64

enum control_type {
	CONTROL_ADD =
		1, /* launcher: relay what arrives at these listeners (one or two descriptors) */
	CONTROL_REMOVE, /* launcher: close them, and their connections */
	CONTROL_SUPPLY, /* launcher: one socket a worker towards a new agent */
	CONTROL_DONE,	/* forwarder: the order of that serial has been carried out, or refused */
	CONTROL_LOG,	/* forwarder: a line for the log */
};

struct control_add {
	uint32_t udp;	      /* bool */
	uint32_t marked;      /* bool: sockets of the kinds that carry the mark */
	uint32_t transparent; /* bool: keep the client's address */
	uint32_t wildcard;    /* bool: datagrams tell which of our addresses they came to */
	uint32_t destination; /* slot of the address below, in the memory that has been handed in */
	union endpoint child; /* where to connect */
	union endpoint
		proxy; /* else the source for clients that are not on loopback; or AF_UNSPEC */
};

struct control_supply {
	uint64_t netns_cookie; /* what SO_NETNS_COOKIE must say; 0: not known to this kernel */
};

struct control_log {
	uint32_t level; /* enum log_level */
	char text[256]; /* NUL-terminated */
};

struct control_message {
	uint32_t type;
	uint32_t id;	 /* of the port: ADD, REMOVE and their DONE; else 0 */
	uint32_t serial; /* of the order, and of its DONE: a late answer is no later order's */
	int32_t result;	 /* DONE: 0 or -errno; else 0 */
	union {
		struct control_add add;
		struct control_supply supply;
		struct control_log log;
	};
};

/*
 * What the sockets of the agent are. Those of TCP can take a foreign source address; the marked
 * ones carry SO_MARK, by which connection tracking knows them where it cannot know them by their
 * source (see tracking.c).
 */
enum socket_kind {
	KIND_TCP4 = 0,
	KIND_TCP6,
	KIND_UDP4,
	KIND_UDP6,
	KIND_TCP4_MARKED,
	KIND_TCP6_MARKED,
	KIND_COUNT_
};

int kind_family(enum socket_kind kind);
int kind_type(enum socket_kind kind);
bool kind_marked(enum socket_kind kind);
enum socket_kind kind_of(int family, bool udp, bool marked);

struct supply_request {
	uint32_t kind;
	uint32_t count; /* 1…MAX_BATCH */
};

struct supply_answer {
	uint32_t kind;
	uint32_t count; /* of the descriptors that come along; 0 with an error */
	int32_t error;	/* 0 or -errno */
};

/*
 * control_check_order(), control_check_reply() - is this record of @size bytes with @n_fds
 * descriptors one that the launcher, the forwarder may send?
 *
 * Return 0 or -EPROTO.
 */
int control_check_order(const struct control_message *m, size_t size, size_t n_fds);
int control_check_reply(const struct control_message *m, size_t size, size_t n_fds);

/* supply_check_request(), supply_check_answer() - likewise for the forwarder, the agent */
int supply_check_request(const struct supply_request *m, size_t size);
int supply_check_answer(const struct supply_answer *m, size_t size, size_t n_fds);

/*
 * supply_check_socket() - is @fd a socket of @kind, made in the namespace of @netns_cookie?
 *
 * Returns 0 or -EPROTO. man 7 socket: SO_DOMAIN, SO_TYPE, SO_NETNS_COOKIE (Linux 5.14).
 */
int supply_check_socket(int fd, enum socket_kind kind, uint64_t netns_cookie);

/* socket_netns_cookie() - of the network namespace that @fd was made in; 0 where that is not known
 */
uint64_t socket_netns_cookie(int fd);

/*
 * socket_stays_here() - fit @fd, of TCP, for a peer on this machine
 *
 * With Reno, which every kernel has and everybody may choose (man 7 tcp: TCP_CONGESTION), in place
 * of the machine's default: where that is BBR, it paces by timers and keeps a dozen segments on
 * their way. There is no bottleneck here to be found. Measured: a fifth more throughput of a
 * stream.
 */
void socket_stays_here(int fd);

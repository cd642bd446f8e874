/* SPDX-License-Identifier: Apache-2.0 */
/* One question to one name server. See attempts.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loop.h"
#include "message.h"
#include "sources.h"

/* A query in the form in which it is sent. */
struct question {
	size_t size;	/* of the message */
	size_t end;	/* of its header and question */
	uint8_t *bytes; /* the length for TCP, then the message */
};

#define QUESTION_PREFIX 2U

struct attempt;

struct attempt_ops {
	/* The server has answered. @p may be changed, and is valid only during the call. */
	void (*answered)(struct attempt *attempt, enum dns_match match, uint8_t *p, size_t size);
	/* The server cannot be reached, or has sent an invalid answer. */
	void (*failed)(struct attempt *attempt);
};

struct attempt {
	struct list link;      /* the owner's */
	struct source *source; /* UDP; NULL: over TCP, with @watch */
	struct watch watch;
	struct garbage garbage;
	struct sources *sources;
	const struct attempt_ops *ops;
	void *owner;
	const struct question *question;
	uint8_t *buffer; /* for a datagram, of DNS_MAX_BYTES */
	unsigned server, generation;
	uint32_t slot;
	int64_t asked_ms;
	uint16_t id;
	bool tcp;
	bool reusable;	     /* only the answer has arrived: another question may use the socket */
	unsigned unexpected; /* datagrams that are no answer */
	size_t sent;	     /* TCP: bytes of the question */
	uint8_t *in;	     /* TCP: the answer, with its length */
	size_t in_size, in_room;
};

/* The arguments of attempt_start(): all are stored in the new attempt. */
struct attempt_spec {
	struct sources *sources;
	const struct attempt_ops *ops;
	void *owner;
	const struct question *question;
	uint8_t *buffer;
	unsigned server, generation;
	uint32_t slot; /* of the server's address */
	bool tcp;      /* ask over TCP */
};

/* attempt_start() - ask a server; 0, or -errno if that is not possible (ENETUNREACH, EMFILE, and
 * ESTALE: see server_connect()) */
int attempt_start(const struct attempt_spec *spec, struct attempt **ret);

/* attempt_end() - release the socket, remove the attempt from the owner's list, and free it */
void attempt_end(struct attempt *attempt);

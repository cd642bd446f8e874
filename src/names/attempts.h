/* SPDX-License-Identifier: Apache-2.0 */
/* One question to one name server. See attempts.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loop.h"
#include "message.h"
#include "sources.h"

/* A query as it is sent: the length for TCP, then the message. */
struct question {
	size_t size; /* of the message */
	size_t end;  /* of its header and question */
	uint8_t *bytes;
};

#define QUESTION_PREFIX 2U

struct attempt;

struct attempt_ops {
	/* An answer of the server. @p may be changed, and is not kept. */
	void (*answered)(struct attempt *attempt, enum dns_match match, uint8_t *p, size_t size);
	/* The server cannot be reached, or has answered nonsense. */
	void (*failed)(struct attempt *attempt);
};

struct attempt {
	struct list link;      /* the owner's */
	struct source *source; /* UDP; NULL: over TCP, with @watch */
	struct watch watch;
	struct grave grave;
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
	bool settled;	    /* the answer has arrived, as expected: its socket is fit for others */
	unsigned strangers; /* datagrams that are no answer */
	size_t sent;	    /* TCP: bytes of the question */
	uint8_t *in;	    /* TCP: the answer, with its length */
	size_t in_size, in_room;
};

/*
 * attempt_start() - ask the server in @slot
 * @sources, @ops, @owner, @question, @buffer, @server, @generation: stored in the new attempt
 * @tcp: over TCP
 *
 * Returns 0, or -errno if the server cannot be asked (ENETUNREACH, EMFILE).
 */
struct attempt_spec {
	struct sources *sources;
	const struct attempt_ops *ops;
	void *owner;
	const struct question *question;
	uint8_t *buffer;
	unsigned server, generation;
	uint32_t slot;
	bool tcp;
};
int attempt_start(const struct attempt_spec *spec, struct attempt **ret);

/* attempt_end() - give up the socket and free the attempt, which is removed from the owner's list
 */
void attempt_end(struct attempt *attempt);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DNS messages (RFC 1035, section 4). All input is untrusted: queries come from the command,
 * answers from a network. These functions make no system calls.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DNS_HEADER_BYTES 12U
#define DNS_MAX_BYTES	 65535U

/* The largest question: a name of 255 bytes, type and class. */
#define DNS_QUESTION_MAX (DNS_HEADER_BYTES + 255U + 4U)

/* The largest datagram for a client without EDNS (RFC 1035, section 2.3.4). */
#define DNS_PLAIN_BYTES 512U

enum dns_rcode {
	DNS_NOERROR = 0,
	DNS_FORMERR = 1,
	DNS_SERVFAIL = 2,
	DNS_NOTIMP = 4,
	DNS_REFUSED = 5,
};

struct dns_query {
	size_t question_end; /* size of header and question; DNS_HEADER_BYTES: no valid question */
	uint16_t udp_bytes;  /* the largest datagram that the client takes (RFC 6891) */
};

/*
 * dns_read_query() - check a query of a client
 * @ret: filled unless the result is -EBADMSG
 *
 * Returns 0; -EBADMSG if it is no query and must not be answered; -EINVAL if the answer must be
 * DNS_FORMERR, because there is not exactly one question with a complete name; -EOPNOTSUPP if the
 * answer must be DNS_NOTIMP: another operation than QUERY, or a transfer of a zone, whose answer is
 * more than one message.
 */
int dns_read_query(const uint8_t *p, size_t size, struct dns_query *ret);

enum dns_match {
	DNS_OTHER = 0, /* no answer to this query */
	DNS_SAME,
	DNS_SAME_BUT_CASE, /* the name has other capital letters */
	DNS_BARE,	   /* an error without a question: from a server that cannot read it */
};

/*
 * dns_match() - is @answer the answer to @query?
 * @query: as it was sent; it has passed dns_read_query()
 * @question_end: of @query
 */
enum dns_match dns_match(const uint8_t *query, size_t question_end, const uint8_t *answer,
			 size_t size);

/* dns_id(), dns_set_id() - the id of the message @p, of at least DNS_HEADER_BYTES */
uint16_t dns_id(const uint8_t *p);
void dns_set_id(uint8_t *p, uint16_t id);

/*
 * dns_is_failure() - would a resolver ask its next server after the answer @p?
 *
 * True for SERVFAIL, NOTIMP and REFUSED, and for an empty answer of a server that has no authority
 * for the name and does not ask other servers.
 */
bool dns_is_failure(const uint8_t *p);

/*
 * dns_reply() - compose an answer of our own: header and question
 * @query, @question_end: as for dns_match()
 * @truncated: set the bit that tells the client to ask again over TCP
 * @ret: @question_end bytes; may be @query
 */
void dns_reply(const uint8_t *query, size_t question_end, enum dns_rcode rcode, bool truncated,
	       uint8_t *ret);

/* SPDX-License-Identifier: Apache-2.0 */
#include "message.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "fauxroot/base/macro.h"

/* Offsets in the header. */
enum {
	ID = 0,
	FLAGS = 2,
	RCODES = 3,
	QUESTIONS = 4,
	ANSWERS = 6,
	AUTHORITIES = 8,
	ADDITIONAL = 10
};

/* Bits of the two bytes of flags. */
enum {
	QR = 0x80, /* it is an answer */
	OPCODE = 0x78,
	AA = 0x04, /* the server has authority for the name */
	TC = 0x02, /* truncated */
	RD = 0x01, /* the client wants the server to ask other servers */
	RA = 0x80, /* the server does that */
	CD = 0x10, /* the client checks signatures itself */
	RCODE = 0x0f,
};

enum { LABEL_MAX = 63, NAME_MAX_BYTES = 255 };
enum { TYPE_OPT = 41, TYPE_IXFR = 251, TYPE_AXFR = 252 };

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

uint16_t dns_id(const uint8_t *p)
{
	return be16(p + ID);
}

void dns_set_id(uint8_t *p, uint16_t id)
{
	p[ID] = (uint8_t)(id >> 8);
	p[ID + 1] = (uint8_t)id;
}

/* The offset after the name at @at, which must not be compressed; 0: invalid. */
static size_t skip_plain_name(const uint8_t *p, size_t size, size_t at)
{
	size_t start = at;

	while (at < size && at - start < NAME_MAX_BYTES) {
		if (p[at] == 0)
			return at + 1;
		if (p[at] > LABEL_MAX)
			return 0;
		at += 1U + p[at];
	}
	return 0;
}

/* As skip_plain_name(), for a name that may end with a pointer (RFC 1035, section 4.1.4). */
static size_t skip_name(const uint8_t *p, size_t size, size_t at)
{
	while (at < size && p[at] != 0 && p[at] <= LABEL_MAX)
		at += 1U + p[at];
	if (at >= size)
		return 0;
	if (p[at] == 0)
		return at + 1;
	return p[at] >= 0xc0 && at + 2 <= size ? at + 2 : 0;
}

/* The size of datagrams from the query's OPT record, which is in the additional section. */
static uint16_t read_udp_bytes(const uint8_t *p, size_t size, size_t at)
{
	unsigned n =
		be16(p + ANSWERS) == 0 && be16(p + AUTHORITIES) == 0 ? be16(p + ADDITIONAL) : 0;

	for (unsigned i = 0; i < n; i++) {
		at = skip_name(p, size, at);
		if (at == 0 || size - at < 10)
			break;
		if (be16(p + at) == TYPE_OPT)
			return (uint16_t)MAX(be16(p + at + 2), DNS_PLAIN_BYTES);
		if (size - at - 10 < be16(p + at + 8))
			break;
		at += 10U + be16(p + at + 8);
	}
	return DNS_PLAIN_BYTES;
}

int dns_read_query(const uint8_t *p, size_t size, struct dns_query *ret)
{
	struct dns_query query = {.question_end = DNS_HEADER_BYTES, .udp_bytes = DNS_PLAIN_BYTES};
	uint16_t type;
	size_t end;

	if (size < DNS_HEADER_BYTES || (p[FLAGS] & QR))
		return -EBADMSG;
	*ret = query;
	if (p[FLAGS] & OPCODE)
		return -EOPNOTSUPP;
	end = skip_plain_name(p, size, DNS_HEADER_BYTES);
	if (be16(p + QUESTIONS) != 1 || end == 0 || size - end < 4)
		return -EINVAL;
	type = be16(p + end);
	ret->question_end = end + 4;
	ret->udp_bytes = read_udp_bytes(p, size, end + 4);
	return type == TYPE_AXFR || type == TYPE_IXFR ? -EOPNOTSUPP : 0;
}

static bool is_error(uint8_t rcode)
{
	return rcode == DNS_FORMERR || rcode == DNS_SERVFAIL || rcode == DNS_NOTIMP ||
	       rcode == DNS_REFUSED;
}

enum dns_match dns_match(const uint8_t *query, size_t question_end, const uint8_t *answer,
			 size_t size)
{
	if (size < DNS_HEADER_BYTES || dns_id(answer) != dns_id(query) || !(answer[FLAGS] & QR) ||
	    (answer[FLAGS] & OPCODE) != (query[FLAGS] & OPCODE))
		return DNS_OTHER;
	if (be16(answer + QUESTIONS) == 0)
		return is_error(answer[RCODES] & RCODE) ? DNS_BARE : DNS_OTHER;
	if (be16(answer + QUESTIONS) != 1 || size < question_end)
		return DNS_OTHER;
	if (memcmp(query + DNS_HEADER_BYTES, answer + DNS_HEADER_BYTES,
		   question_end - DNS_HEADER_BYTES) == 0)
		return DNS_SAME;
	/* A length is no letter, so both names have the same labels. */
	for (size_t i = DNS_HEADER_BYTES; i < question_end - 4; i++)
		if (tolower(query[i]) != tolower(answer[i]))
			return DNS_OTHER;
	return memcmp(query + question_end - 4, answer + question_end - 4, 4) == 0
		       ? DNS_SAME_BUT_CASE
		       : DNS_OTHER;
}

bool dns_is_failure(const uint8_t *p)
{
	uint8_t rcode = p[RCODES] & RCODE;

	if (rcode == DNS_SERVFAIL || rcode == DNS_NOTIMP || rcode == DNS_REFUSED)
		return true;
	return rcode == DNS_NOERROR && be16(p + ANSWERS) == 0 && be16(p + ADDITIONAL) == 0 &&
	       !(p[FLAGS] & (AA | TC)) && !(p[RCODES] & RA);
}

void dns_reply(const uint8_t *query, size_t question_end, enum dns_rcode rcode, bool truncated,
	       uint8_t *ret)
{
	memmove(ret, query, question_end);
	ret[FLAGS] = (uint8_t)((query[FLAGS] & (OPCODE | RD)) | QR | (truncated ? TC : 0));
	ret[RCODES] = (uint8_t)((query[RCODES] & CD) | RA | rcode);
	memset(ret + QUESTIONS, 0, DNS_HEADER_BYTES - QUESTIONS);
	ret[QUESTIONS + 1] = question_end > DNS_HEADER_BYTES;
}

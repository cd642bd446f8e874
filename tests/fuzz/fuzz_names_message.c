/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DNS messages. A query that is relayed has its question within the message, and only an answer
 * with the same question matches. A reply of our own is never larger than the query.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "names/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte divides the input into a query and an answer. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t reply[DNS_QUESTION_MAX];
	struct dns_query q;
	enum dns_match match;
	size_t split;
	int rc;

	if (size < 1)
		return 0;
	split = 1 + data[0] % size;
	rc = dns_read_query(data + 1, split - 1, &q);
	if (rc == -EBADMSG)
		return 0;
	assert(q.question_end >= DNS_HEADER_BYTES && q.question_end <= split - 1);
	assert(q.question_end <= DNS_QUESTION_MAX && q.udp_bytes >= DNS_PLAIN_BYTES);
	dns_reply(data + 1, q.question_end, DNS_SERVFAIL, true, reply);
	if (rc < 0)
		return 0;
	assert(q.question_end >= DNS_HEADER_BYTES + 5);
	assert(dns_match(data + 1, q.question_end, reply, q.question_end) == DNS_SAME);
	match = dns_match(data + 1, q.question_end, data + split, size - split);
	if (match == DNS_SAME)
		assert(memcmp(data + 1 + DNS_HEADER_BYTES, data + split + DNS_HEADER_BYTES,
			      q.question_end - DNS_HEADER_BYTES) == 0);
	if (match != DNS_OTHER) {
		assert(dns_id(data + 1) == dns_id(data + split));
		(void)dns_is_failure(data + split);
	}
	return 0;
}

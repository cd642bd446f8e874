/* SPDX-License-Identifier: Apache-2.0 */
/* DNS messages: which queries are relayed, and which answers count. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fauxroot/base/macro.h"
#include "names/message.h"

struct message {
	uint8_t bytes[2048];
	size_t size;
};

static void put(struct message *m, const void *data, size_t size)
{
	memcpy(m->bytes + m->size, data, size);
	m->size += size;
}

static void put16(struct message *m, unsigned value)
{
	const uint8_t bytes[] = {(uint8_t)(value >> 8), (uint8_t)value};

	put(m, bytes, sizeof(bytes));
}

/* Put a header, and the question "Host.Example" of @type if @questions is 1. */
static struct message message(unsigned flags, unsigned questions, unsigned type)
{
	struct message m = {.size = 0};
	const unsigned header[] = {0x1234, flags, questions, 0, 0, 0};

	for (size_t i = 0; i < ARRAY_SIZE(header); i++)
		put16(&m, header[i]);
	if (questions == 0)
		return m;
	put(&m, "\4Host\7Example", 14);
	put16(&m, type);
	put16(&m, 1);
	return m;
}

static void put_opt(struct message *m, unsigned udp_bytes)
{
	m->bytes[11]++;
	put(m, "", 1);
	put16(m, 41);
	put16(m, udp_bytes);
	put(m, "\0\0\0\0\0", 6);
}

static void queries_are_read(void **state)
{
	struct message m = message(0x0100, 1, 1), longest = message(0x0100, 0, 0);
	struct dns_query q;

	(void)state;
	assert_int_equal(dns_read_query(m.bytes, m.size, &q), 0);
	assert_int_equal(q.question_end, m.size);
	assert_int_equal(q.udp_bytes, DNS_PLAIN_BYTES);
	/* The size of datagrams is that of the OPT record, also behind another record. */
	put_opt(&m, 4096);
	assert_int_equal(dns_read_query(m.bytes, m.size, &q), 0);
	assert_int_equal(q.udp_bytes, 4096);
	m = message(0x0100, 1, 1);
	m.bytes[11] = 1;
	put(&m, "\xc0\x0c\0\1\0\1\0\0\0\0\0\4abcd", 16);
	put_opt(&m, 1232);
	assert_int_equal(dns_read_query(m.bytes, m.size, &q), 0);
	assert_int_equal(q.udp_bytes, 1232);
	m = message(0x0100, 1, 1);
	put_opt(&m, 100);
	assert_int_equal(dns_read_query(m.bytes, m.size, &q), 0);
	assert_int_equal(q.udp_bytes, DNS_PLAIN_BYTES);
	/* The longest name: three labels of 63, one of 61. */
	longest.bytes[5] = 1;
	for (int i = 0; i < 4; i++) {
		memset(longest.bytes + longest.size, 'x', 64);
		longest.bytes[longest.size] = i < 3 ? 63 : 61;
		longest.size += i < 3 ? 64 : 62;
	}
	put(&longest, "\0\0\1\0\1", 5);
	assert_int_equal(dns_read_query(longest.bytes, longest.size, &q), 0);
	assert_int_equal(q.question_end, DNS_QUESTION_MAX);
}

static void other_messages_are_not(void **state)
{
	static const struct {
		const char *why;
		unsigned flags, questions, type;
		size_t cut;
		int rc;
	} table[] = {
		{"an answer", 0x8180, 1, 1, 0, -EBADMSG},
		{"a notification", 0x2000, 1, 6, 0, -EOPNOTSUPP},
		{"an update", 0x2800, 1, 6, 0, -EOPNOTSUPP},
		{"the transfer of a zone", 0x0000, 1, 252, 0, -EOPNOTSUPP},
		{"an incremental transfer", 0x0000, 1, 251, 0, -EOPNOTSUPP},
		{"no question", 0x0100, 0, 0, 0, -EINVAL},
		{"two questions", 0x0100, 2, 1, 0, -EINVAL},
		{"no class", 0x0100, 1, 1, 2, -EINVAL},
		{"no end of the name", 0x0100, 1, 1, 5, -EINVAL},
	};
	struct message m;
	struct dns_query q;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		print_message("%s\n", table[i].why);
		m = message(table[i].flags, table[i].questions, table[i].type);
		assert_int_equal(dns_read_query(m.bytes, m.size - table[i].cut, &q), table[i].rc);
	}
	for (size_t size = 0; size < DNS_HEADER_BYTES; size++)
		assert_int_equal(dns_read_query(m.bytes, size, &q), -EBADMSG);
	/* A compressed name, a label that is too long, and a name that is too long. */
	m = message(0x0100, 1, 1);
	m.bytes[12] = 0xc0;
	assert_int_equal(dns_read_query(m.bytes, m.size, &q), -EINVAL);
	m.bytes[12] = 64;
	assert_int_equal(dns_read_query(m.bytes, m.size, &q), -EINVAL);
	memset(m.bytes + 12, 1, 256);
	memset(m.bytes + 268, 0, 100);
	assert_int_equal(dns_read_query(m.bytes, 368, &q), -EINVAL);
}

static void only_the_answer_matches(void **state)
{
	const struct message query = message(0x0100, 1, 1);
	struct message a = message(0x8180, 1, 1), bare = message(0x8182, 0, 0);

	(void)state;
	assert_int_equal(dns_match(query.bytes, query.size, a.bytes, a.size), DNS_SAME);
	/* Every byte of id and question counts. */
	for (size_t i = 0; i < a.size; i++) {
		struct message other = a;

		if (i >= 2 && i < 12)
			continue;
		other.bytes[i] ^= 1;
		assert_int_equal(dns_match(query.bytes, query.size, other.bytes, a.size),
				 DNS_OTHER);
		assert_int_equal(dns_match(query.bytes, query.size, a.bytes, i), DNS_OTHER);
	}
	a.bytes[13] = 'h';
	assert_int_equal(dns_match(query.bytes, query.size, a.bytes, a.size), DNS_SAME_BUT_CASE);
	/* The type is no text: 0x41 and 0x61 differ. */
	a = message(0x8180, 1, 0x41);
	assert_int_equal(dns_match(message(0x0100, 1, 0x61).bytes, query.size, a.bytes, a.size),
			 DNS_OTHER);
	assert_int_equal(dns_match(query.bytes, query.size, query.bytes, query.size), DNS_OTHER);
	/* A server that cannot read the query does not repeat it. */
	assert_int_equal(dns_match(query.bytes, query.size, bare.bytes, bare.size), DNS_BARE);
	bare = message(0x8180, 0, 0);
	assert_int_equal(dns_match(query.bytes, query.size, bare.bytes, bare.size), DNS_OTHER);
}

static void failures_let_the_next_server_try(void **state)
{
	static const struct {
		unsigned flags;
		bool failure;
	} table[] = {
		{0x8180, false}, {0x8183, false}, {0x8181, false}, {0x8580, false}, {0x8400, false},
		{0x8182, true},	 {0x8184, true},  {0x8185, true},  {0x8100, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		assert_int_equal(dns_is_failure(message(table[i].flags, 1, 1).bytes),
				 table[i].failure);
}

static void replies_of_our_own(void **state)
{
	struct message query = message(0x0110, 1, 1), again = query;
	uint8_t reply[DNS_QUESTION_MAX];

	(void)state;
	put_opt(&query, 4096);
	dns_reply(query.bytes, again.size, DNS_SERVFAIL, false, reply);
	assert_int_equal(reply[2], 0x81);
	assert_int_equal(reply[3], 0x92);
	/* One question, and no other record. */
	again.bytes[2] = reply[2];
	again.bytes[3] = reply[3];
	assert_memory_equal(reply, again.bytes, again.size);
	dns_reply(query.bytes, again.size, DNS_NOERROR, true, query.bytes);
	assert_int_equal(query.bytes[2], 0x83);
	dns_reply(query.bytes, DNS_HEADER_BYTES, DNS_FORMERR, false, reply);
	assert_int_equal(reply[5], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(queries_are_read),
		cmocka_unit_test(other_messages_are_not),
		cmocka_unit_test(only_the_answer_matches),
		cmocka_unit_test(failures_let_the_next_server_try),
		cmocka_unit_test(replies_of_our_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Valid and invalid heads of answers, complete and in pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <cmocka.h>

#include "api/http.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/str.h"

#define NONE HTTP_NO_LENGTH

static void parses_valid_heads(void **state)
{
	static const struct {
		const char *head; /* without what follows it */
		long status;
		uint64_t length;
	} rows[] = {
		{"HTTP/1.1 200 OK\r\n\r\n", 200, NONE},
		{"HTTP/1.0 200 OK\n\n", 200, NONE},
		{"HTTP/1.0 200\r\n\r\n", 200, NONE},
		{"HTTP/1.0 200 \r\n\r\n", 200, NONE},
		{"HTTP/1.1 404 Not \xc3\xa9\tFound\r\nContent-Length: 0\r\n\r\n", 404, 0},
		{"HTTP/1.1 200 OK\r\nX: y\r\nCONTENT-length:  17\t \r\nY:\r\n\r\n", 200, 17},
		{"HTTP/1.1 200 OK\r\nContent-Length:5\r\nContent-Length: 5\r\n\r\n", 200, 5},
		{"HTTP/1.1 200 OK\r\nX-Content-Length: 9\r\n\r\n", 200, NONE},
		{"HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\n", 200, INT64_MAX},
		/* These have no body, even with a Content-Length (RFC 9112, section 6.3). */
		{"HTTP/1.1 100 Continue\r\n\r\n", 100, 0},
		{"HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n\r\n", 204, 0},
		{"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", 304, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_free_ char *text = str_format("%sHTTP/1.1 599 next", rows[i].head);
		size_t size = strlen(rows[i].head);
		struct http_head head = {0};
		struct error err = {0};

		for (size_t n = 1; n <= strlen(text); n++) {
			head.size = 1234;
			if (http_head_parse(text, n, &head, &err) < 0)
				fail_msg("row %zu, %zu bytes: %s", i, n, err.text);
			assert_int_equal(head.size, n < size ? 0 : size);
		}
		assert_int_equal(head.status, rows[i].status);
		assert_true(head.length == rows[i].length);
	}
}

static void refuses_invalid_heads(void **state)
{
	static const struct {
		const char *head, *complaint;
	} rows[] = {
		{"SSH-2.0-x", "it is not HTTP"},
		{"HTTP/2", "it is not HTTP"},
		{"http/1.1 200 OK\r\n\r\n", "it is not HTTP"},
		{"\r\nHTTP/1.1 200 OK\r\n\r\n", "it is not HTTP"},
		{"HTTP/1.1\r\n", "its status line is malformed"},
		{"HTTP/1.1 OK\r\n", "its status line is malformed"},
		{"HTTP/1.1 20 OK\r\n", "its status line is malformed"},
		{"HTTP/1.1 099 OK\r\n", "its status line is malformed"},
		{"HTTP/1.1 600 OK\r\n", "its status line is malformed"},
		{"HTTP/1.1 0200 OK\r\n", "its status line is malformed"},
		{"HTTP/1.1 200OK\r\n", "its status line is malformed"},
		{"HTTP/1.1  200 OK\r\n", "its status line is malformed"},
		{"HTTP/1.x 200 OK\r\n", "its status line is malformed"},
		{"HTTP/1.1 200 O\033K\r\n", "its status line is malformed"},
		{"HTTP/1.1 200 O\rK\r\n", "its status line is malformed"},
		{"HTTP/1.1 200 OK\r\nX\r\n", "one of its headers has no name"},
		{"HTTP/1.1 200 OK\r\n: x\r\n", "one of its headers has no name"},
		{"HTTP/1.1 200 OK\r\nX : x\r\n", "one of its headers has no name"},
		{"HTTP/1.1 200 OK\r\nX: a\r\n folded: b\r\n", "one of its headers has no name"},
		{"HTTP/1.1 200 OK\r\nX: a\033b\r\n", "one of its headers has control characters"},
		{"HTTP/1.1 200 OK\r\nX: a\177\r\n", "one of its headers has control characters"},
		{"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n", "its Content-Length is not a number"},
		{"HTTP/1.1 200 OK\r\nContent-Length:\r\n", "its Content-Length is not a number"},
		{"HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n",
		 "its Content-Length is not a number"},
		{"HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775808\r\n",
		 "its Content-Length is not a number"},
		{"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n",
		 "it has two different Content-Length headers"},
		{"HTTP/1.1 200 OK\r\ntransfer-encoding: identity\r\n",
		 "it has a transfer coding, which HTTP/1.0 does not allow"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct http_head head = {.size = 1234};
		struct error err = {0};

		if (http_head_parse(rows[i].head, strlen(rows[i].head), &head, &err) != -EPROTO)
			fail_msg("row %zu is accepted", i);
		assert_string_equal(err.text, rows[i].complaint);
		assert_int_equal(head.size, 1234);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_valid_heads),
		cmocka_unit_test(refuses_invalid_heads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

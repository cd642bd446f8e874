/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP as the client speaks it: the head of an answer (RFC 9112, RFC 1945). */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct error;

#define HTTP_NO_LENGTH UINT64_MAX

struct http_head {
	size_t size;	 /* of the head, with the empty line; 0: it has not arrived whole */
	long status;	 /* 100…599 */
	uint64_t length; /* of the body in bytes; HTTP_NO_LENGTH: it ends where the connection does
			  */
};

/*
 * http_head_parse() - read the head of an answer to a request of HTTP/1.0
 * @text: @n bytes, from the status line on; of anybody's making
 *
 * Lines end in CR LF, or in LF alone (RFC 9112, section 2.2). An answer to HTTP/1.0 has no transfer
 * coding, so the header Transfer-Encoding is an error, and so are two different lengths, folded
 * lines, and control characters. Answers with status 1xx, 204 and 304 have no body: length 0.
 *
 * Returns 0 with @ret->size 0 while the head is incomplete and may still become one, 0 with all of
 * @ret, or -EPROTO with @ret untouched.
 */
int http_head_parse(const char *text, size_t n, struct http_head *ret, struct error *err);

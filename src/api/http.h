/* SPDX-License-Identifier: Apache-2.0 */
/* Parsing the head of an HTTP answer, for the client (RFC 9112, RFC 1945). */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct error;

#define HTTP_NO_LENGTH UINT64_MAX

struct http_head {
	size_t size;	 /* bytes of the head, with the empty line; 0: the head is incomplete */
	long status;	 /* 100…599 */
	uint64_t length; /* bytes of the body; HTTP_NO_LENGTH: up to the end of the connection */
};

/*
 * http_head_parse() - parse the head of an answer to a request of HTTP/1.0
 * @text: @n untrusted bytes, from the status line on
 *
 * Lines end in CR LF, or in LF alone (RFC 9112, section 2.2). An answer to HTTP/1.0 has no transfer
 * coding, so the header Transfer-Encoding is an error, and so are two different lengths, folded
 * lines, and control characters. Answers with status 1xx, 204 and 304 have no body: length 0.
 *
 * Returns 0 with @ret->size 0 while the head is incomplete and valid so far, 0 with @ret filled
 * when it is complete, or -EPROTO with @ret untouched.
 */
int http_head_parse(const char *text, size_t n, struct http_head *ret, struct error *err);

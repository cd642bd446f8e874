/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of a server's answer: the verdict does not depend on how the bytes arrive. No prefix of
 * an accepted head is a complete head or an error; no longer text of a refused one is accepted.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/http.h"
#include "fauxroot/base/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A copy without a byte after it, so that a read beyond the end is detected. */
static int parse(const uint8_t *data, size_t n, struct http_head *ret)
{
	struct error err = {.code = 0};
	char *copy = malloc(n + (n == 0));
	int rc;

	assert(copy);
	memcpy(copy, data, n);
	rc = http_head_parse(copy, n, ret, &err);
	free(copy);
	assert(rc == 0 || (rc < 0 && err.code == -rc && err.text[0] != '\0'));
	return rc;
}

static void check_head(const struct http_head *head, const uint8_t *data, size_t size)
{
	assert(head->size <= size && head->status >= 100 && head->status <= 599);
	assert(head->length == HTTP_NO_LENGTH || head->length <= INT64_MAX);
	assert(data[head->size - 1] == '\n');
	assert(memcmp(data, "HTTP/1.", 7) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_head whole = {.size = SIZE_MAX}, part;
	int rc;

	if (size == 0 || size > 4096)
		return 0;
	rc = parse(data, size, &whole);
	if (rc < 0)
		assert(whole.size == SIZE_MAX);
	else if (whole.size > 0)
		check_head(&whole, data, size);
	for (size_t n = 1; n < size; n++) {
		int of_part = parse(data, n, &part);

		if (of_part < 0)
			assert(rc < 0);
		else if (part.size > 0)
			assert(rc == 0 && part.size == whole.size && part.status == whole.status &&
			       part.length == whole.length);
		else
			assert(rc < 0 || whole.size == 0 || n < whole.size);
		if (of_part < 0 || part.size > 0)
			break;
	}
	return 0;
}

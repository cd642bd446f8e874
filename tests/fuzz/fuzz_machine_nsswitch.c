/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nsswitch.conf: a line that names another source is found anywhere. Lines of other databases do
 * not change the answer. Without the word "subid" the answer is false.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>

#include "fauxroot/base/str.h"
#include "fauxroot/machine/subid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool answer(const char *before, const uint8_t *data, size_t size, const char *after)
{
	size_t n = strlen(before), m = strlen(after);
	_cleanup_free_ char *text = malloc(n + size + m + 1);

	assert(text);
	memcpy(text, before, n);
	if (size > 0)
		memcpy(text + n, data, size);
	memcpy(text + n + size, after, m);
	return subid_nsswitch_is_dynamic(text, n + size + m);
}

static bool has_word(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i + 5 <= size; i++)
		if (strncasecmp((const char *)data + i, "subid", 5) == 0)
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool dynamic = answer("", data, size, "");

	assert(answer("subid: sss\n", data, size, ""));
	assert(answer("", data, size, "\nsubid: files sss"));
	assert(answer("passwd: sss\n", data, size, "\nsubid: files\ngroup: sss\n") == dynamic);
	/* A comment names no source. */
	assert(dynamic || !answer("#", data, size, ""));
	if (!has_word(data, size))
		assert(!dynamic);
	return 0;
}

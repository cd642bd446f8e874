/* SPDX-License-Identifier: Apache-2.0 */
/* The output of getsubids(1): the ranges are distinct, and printing them gives the input. */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/str.h"
#include "fauxroot/machine/subid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_subid_ranges_ struct subid_ranges ranges = {0}, again = {0};
	_cleanup_free_ char *text = NULL;
	struct error err = {0};
	size_t used = 0, room;
	int rc = subid_parse_getsubids((const char *)data, size, &ranges, &err);

	assert(rc == 0 || rc == -EINVAL);
	assert(rc == 0 || str_after(err.text, "getsubids, line "));
	room = ranges.n * 64 + 1;
	text = malloc(room);
	assert(text);
	for (size_t i = 0; i < ranges.n; i++) {
		const struct subid_range *r = &ranges.items[i];

		assert(r->count > 0 && (uint64_t)r->start + r->count - 1 <= SUBID_LAST);
		for (size_t k = 0; k < i; k++)
			assert(ranges.items[k].start != r->start ||
			       ranges.items[k].count != r->count);
		used += (size_t)snprintf(text + used, room - used, "%zu: a user %u %u\n", i,
					 r->start, r->count);
	}
	/* Print them as getsubids does, and parse again: the ranges are the same. */
	assert(subid_parse_getsubids(text, used, &again, &err) == 0);
	assert(again.n == ranges.n);
	for (size_t i = 0; i < ranges.n; i++)
		assert(again.items[i].start == ranges.items[i].start &&
		       again.items[i].count == ranges.items[i].count);
	return 0;
}

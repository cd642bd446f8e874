/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The planner: for any ranges, a plan maps ids one to one. Inside, the extents start at 0 and have
 * no gaps. Outside, no extent overlaps another. All ids of all ranges are mapped, the caller's own
 * id first. Every refusal has a reason.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/idmap/idmap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_RANGES 512

/* Input: the own id, then start and count of each range. */
static size_t take_ranges(const uint8_t *data, size_t size, uint32_t *own,
			  struct subid_range *ranges)
{
	size_t n = 0;

	*own = 1000;
	if (size >= sizeof(*own)) {
		memcpy(own, data, sizeof(*own));
		data += sizeof(*own);
		size -= sizeof(*own);
	}
	for (; size >= 8 && n < MAX_RANGES; data += 8, size -= 8, n++) {
		memcpy(&ranges[n].start, data, 4);
		memcpy(&ranges[n].count, data + 4, 4);
		ranges[n].line = (unsigned)n + 1;
	}
	return n;
}

static bool apart(uint64_t a, uint64_t a_count, uint64_t b, uint64_t b_count)
{
	return a + a_count <= b || b + b_count <= a;
}

static bool is_sound(uint32_t own, const struct subid_range *r, size_t n)
{
	if (own > SUBID_LAST)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (r[i].count == 0 || (uint64_t)r[i].start + r[i].count > (uint64_t)SUBID_LAST + 1)
			return false;
		if (!apart(r[i].start, r[i].count, own, 1))
			return false;
		for (size_t k = 0; k < i; k++)
			if (!apart(r[i].start, r[i].count, r[k].start, r[k].count))
				return false;
	}
	return true;
}

/* The outside value of the inside @id, which must be mapped. */
static uint32_t outside_of(const struct idmap_plan *plan, uint64_t id)
{
	for (size_t i = 0; i < plan->n; i++)
		if (id >= plan->extents[i].inside &&
		    id - plan->extents[i].inside < plan->extents[i].count)
			return (uint32_t)(plan->extents[i].outside +
					  (id - plan->extents[i].inside));
	assert(!plan);
	return 0;
}

static void check_plan(const struct idmap_plan *plan, uint32_t own, const struct subid_range *r,
		       size_t n)
{
	uint64_t inside = 0;

	assert(plan->n >= 1 && plan->n <= IDMAP_MAX_EXTENTS && plan->n <= n + 1);
	assert(plan->extents[0].outside == own && plan->extents[0].count == 1);
	for (size_t i = 0; i < plan->n; i++) {
		const struct idmap_extent *e = &plan->extents[i];

		assert(e->count > 0 && e->inside == inside);
		for (size_t k = 0; k < i; k++)
			assert(apart(e->outside, e->count, plan->extents[k].outside,
				     plan->extents[k].count));
		inside += e->count;
	}
	assert(inside <= (uint64_t)SUBID_LAST + 1);
	inside = 1;
	for (size_t i = 0; i < n; i++) {
		assert(outside_of(plan, inside) == r[i].start);
		inside += r[i].count;
		assert(outside_of(plan, inside - 1) == r[i].start + r[i].count - 1);
	}
}

/* The text matches the plan. */
static void check_text(const struct idmap_plan *plan)
{
	char text[IDMAP_TEXT_MAX + 1];
	size_t size = idmap_text(plan, text);
	struct cursor c = cursor_of_n(text, size);

	assert(size < (size_t)sysconf(_SC_PAGESIZE) && text[size] == '\0');
	for (size_t i = 0; i < plan->n; i++) {
		uint32_t numbers[3];

		for (int k = 0; k < 3; k++) {
			assert(cursor_u32(&c, UINT32_MAX, &numbers[k]) == 0);
			assert(cursor_char(&c, k < 2 ? ' ' : '\n'));
		}
		assert(numbers[0] == plan->extents[i].inside);
		assert(numbers[1] == plan->extents[i].outside);
		assert(numbers[2] == plan->extents[i].count);
	}
	assert(cursor_at_end(&c));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct subid_range items[MAX_RANGES];
	struct subid_ranges ranges = {.items = items, .source = "/etc/subuid"};
	struct idmap_plan plan = {.n = 0};
	struct error err = {0};
	uint32_t own;
	bool sound;
	int rc;

	ranges.n = take_ranges(data, size, &own, items);
	sound = is_sound(own, items, ranges.n);
	rc = idmap_plan(SUBID_UID, own, &ranges, &plan, &err);
	assert(rc == 0 || rc == -EINVAL);
	if (rc == 0) {
		assert(sound);
		check_plan(&plan, own, items, ranges.n);
		check_text(&plan);
	} else {
		/* A few valid ranges always fit. */
		assert(err.text[0] && plan.n == 0);
		assert(!sound || ranges.n >= 4096 / sizeof("4294967295 4294967295 4294967295"));
	}
	return 0;
}

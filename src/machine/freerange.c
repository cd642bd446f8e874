/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds a free range of ids, to propose it to a user without subordinate ids.
 *
 * The range must not overlap subordinate ids of other users or ids of accounts. All ids in use are
 * collected and sorted. The search then goes upwards to the first gap that is wide enough.
 */
#include <stdlib.h>

#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"
#include "fauxroot/machine/machine.h"
#include "fauxroot/machine/process.h"
#include "fauxroot/machine/subid.h"

struct span {
	uint64_t first, end;
};

struct spans {
	struct span *items;
	size_t n, room;
	bool incomplete; /* out of memory: ids in use are missing, so no range can be proposed */
};

static void add_span(struct spans *spans, uint64_t first, uint64_t count)
{
	if (spans->n == spans->room) {
		size_t room = spans->room ? spans->room * 2 : 64;
		struct span *larger = realloc(spans->items, room * sizeof(*larger));

		if (!larger) {
			spans->incomplete = true;
			return;
		}
		spans->items = larger;
		spans->room = room;
	}
	spans->items[spans->n++] = (struct span){first, first + count};
}

static void add_file(struct spans *spans, const struct machine *machine, const char *path,
		     bool accounts)
{
	_cleanup_free_ char *text = machine_read(machine, path);
	struct cursor c = cursor_of(text ? text : "");
	struct subid_line line;

	while (subid_next_of(&c, accounts, &line))
		add_span(spans, line.start, line.count);
}

static int compare_spans(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

/* SUB_UID_MIN: useradd(8) gives no subordinate ids below it. The default is 100000. */
static uint32_t lowest(const struct machine *machine)
{
	_cleanup_free_ char *text = machine_read(machine, "/etc/login.defs");
	struct cursor c = cursor_of(text ? text : ""), line;
	uint32_t min = 100000;

	while (cursor_line(&c, &line))
		if (cursor_word(&line, "SUB_UID_MIN") && cursor_blanks(&line) > 0)
			(void)cursor_u32(&line, UINT32_MAX, &min);
	return min;
}

/* The number of consecutive ids from @first on that are in both of our own id maps, at most @count.
 */
static uint32_t mapped(const struct machine *machine, uint64_t first, uint64_t count)
{
	uint64_t uids = machine_maps_until(machine, "uid_map", first);
	uint64_t gids = machine_maps_until(machine, "gid_map", first);

	return (uint32_t)MIN(count, MIN(MIN(uids, gids), (uint64_t)UINT32_MAX) - first);
}

/* The start of the first @count ids from @at on that are in none of the sorted @spans. */
static uint64_t first_gap(const struct spans *spans, uint64_t at, uint32_t count)
{
	for (size_t i = 0; i < spans->n && spans->items[i].first < at + count; i++)
		at = MAX(at, spans->items[i].end);
	return at;
}

/* For a user namespace whose maps end below SUB_UID_MIN: the widest gap in the maps. */
static uint32_t widest_gap(const struct spans *spans, const struct machine *machine,
			   uint64_t *ret_first)
{
	uint32_t widest = 0;
	uint64_t at = 1;

	for (size_t i = 0; i <= spans->n; i++) {
		uint64_t end = i < spans->n ? spans->items[i].first : UINT32_MAX;
		uint32_t count = end > at ? mapped(machine, at, MIN(end - at, USUAL_IDS)) : 0;

		if (count > widest) {
			widest = count;
			*ret_first = at;
		}
		if (i < spans->n)
			at = MIN(MAX(at, spans->items[i].end), (uint64_t)UINT32_MAX);
	}
	return widest;
}

bool machine_free_range(const struct machine *machine, uint32_t *ret_first, uint32_t *ret_count)
{
	struct spans spans = {0};
	uint32_t count = USUAL_IDS;
	uint64_t first;

	add_file(&spans, machine, "/etc/subuid", false);
	add_file(&spans, machine, "/etc/subgid", false);
	add_file(&spans, machine, "/etc/passwd", true);
	add_file(&spans, machine, "/etc/group", true);
	if (spans.n > 0)
		qsort(spans.items, spans.n, sizeof(*spans.items), compare_spans);
	first = first_gap(&spans, lowest(machine), count);
	if (first > UINT32_MAX || mapped(machine, first, count) < count)
		count = widest_gap(&spans, machine, &first);
	free(spans.items);
	if (spans.incomplete || count == 0)
		return false;
	*ret_first = (uint32_t)first;
	*ret_count = count;
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Child id 0 is the caller's own id. The ranges follow without gaps, in the order of their lines,
 * so an id in the child has the same meaning in every launch. For every mistake the kernel returns
 * the same EINVAL or EPERM (kernel/user_namespace.c, map_write()), and newuidmap prints the same
 * "not allowed". So mistakes are detected here first, and reported with their lines.
 *
 * The caller's own id is never merged with an adjacent range: newuidmap allows it only as an extent
 * of its own, and ranges only as the files grant them.
 */
#include "fauxroot/idmap/idmap.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "fauxroot/base/err.h"

static bool overlap(const struct subid_range *a, const struct subid_range *b)
{
	return a->start < b->start ? b->start - a->start < a->count
				   : a->start - b->start < b->count;
}

static int check_range(enum subid_kind kind, uint32_t own, const struct subid_ranges *ranges,
		       size_t i, struct error *err)
{
	const struct subid_range *r = &ranges->items[i];

	if (r->count == 0 || r->start > SUBID_LAST || r->count - 1 > SUBID_LAST - r->start)
		return err_say(err, EINVAL, "%s, line %u: %u ids from %u on: invalid range",
			       ranges->source, r->line, r->count, r->start);
	if (own >= r->start && own - r->start < r->count)
		return err_say(err, EINVAL,
			       "%s, line %u: %u ids from %u on contain %s %u, the caller's own, "
			       "which is mapped to 0",
			       ranges->source, r->line, r->count, r->start,
			       kind == SUBID_UID ? "uid" : "gid", own);
	for (size_t k = 0; k < i; k++) {
		const struct subid_range *other = &ranges->items[k];

		if (overlap(other, r))
			return err_say(err, EINVAL,
				       "%s: line %u (%u ids from %u on) and line %u (%u ids from "
				       "%u on) overlap",
				       ranges->source, other->line, other->count, other->start,
				       r->line, r->count, r->start);
	}
	return 0;
}

int idmap_plan(enum subid_kind kind, uint32_t own, const struct subid_ranges *ranges,
	       struct idmap_plan *ret, struct error *err)
{
	struct idmap_plan plan = {.extents = {{0, own, 1}}, .n = 1};
	char text[IDMAP_TEXT_MAX + 1];
	uint32_t inside = 1;
	size_t size;

	if (own > SUBID_LAST)
		return err_say(err, EINVAL, "%u is not an id", own);
	for (size_t i = 0; i < ranges->n; i++) {
		const struct subid_range *r = &ranges->items[i];
		struct idmap_extent *last = &plan.extents[plan.n - 1];
		int rc = check_range(kind, own, ranges, i, err);

		if (rc < 0)
			return rc;
		if (plan.n > 1 && !ranges->apart && last->outside + last->count == r->start)
			last->count += r->count;
		else if (plan.n == IDMAP_MAX_EXTENTS)
			return err_say(err, EINVAL,
				       "%s: the caller's ranges need more than the %d extents that "
				       "the kernel accepts",
				       ranges->source, IDMAP_MAX_EXTENTS);
		else
			plan.extents[plan.n++] = (struct idmap_extent){inside, r->start, r->count};
		/* No overflow: ranges that do not overlap or contain the own id add up to less than
		 * 2^32. */
		inside += r->count;
	}
	size = idmap_text(&plan, text);
	if (size >= (size_t)sysconf(_SC_PAGESIZE))
		return err_say(err, EINVAL,
			       "%s: the caller's ranges need %zu extents, %zu bytes as text; the "
			       "kernel accepts less than a page",
			       ranges->source, plan.n, size);
	*ret = plan;
	return 0;
}

size_t idmap_text(const struct idmap_plan *plan, char *buf)
{
	size_t used = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < plan->n; i++) {
		const struct idmap_extent *e = &plan->extents[i];

		used += (size_t)snprintf(buf + used, IDMAP_TEXT_MAX + 1 - used, "%u %u %u\n",
					 e->inside, e->outside, e->count);
	}
	return used;
}

uint64_t idmap_count(const struct idmap_plan *plan)
{
	uint64_t count = 0;

	for (size_t i = 0; i < plan->n; i++)
		count += plan->extents[i].count;
	return count;
}

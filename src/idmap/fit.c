/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * In a container with a user namespace of its own, /etc/subuid often names ids that the container
 * does not have: the image was made for a container with all ids. Then newuidmap(1) is allowed to
 * write the map, but the kernel refuses it. The ids that exist are the lines of our own map, and
 * each line of a child's map must lie within one of them. So each range is cut along these lines.
 *
 * Root of a container that can write maps needs no subordinate ids. If none of them exists, root
 * gets all ids of its namespace. In a namespace with all ids of the machine these would be the ids
 * of the machine's users and of its root: there only subordinate ids are used.
 */
#include "fauxroot/idmap/fit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/str.h"
#include "fauxroot/idmap/idmap.h"
#include "fauxroot/machine/machine.h"
#include "fauxroot/machine/process.h"

static const char *const maps[SUBID_KINDS_] = {
	[SUBID_UID] = "/proc/self/uid_map",
	[SUBID_GID] = "/proc/self/gid_map",
};

/* Append the ids from @first up to @end. idmap_plan() refuses more ranges than a map can have. */
static int append(struct subid_ranges *ranges, uint64_t first, uint64_t end, unsigned line)
{
	struct subid_range *larger;

	end = MIN(end, (uint64_t)SUBID_LAST + 1);
	if (first >= end || ranges->n > IDMAP_MAX_EXTENTS)
		return 0;
	larger = reallocarray(ranges->items, ranges->n + 1, sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	ranges->items = larger;
	ranges->items[ranges->n++] =
		(struct subid_range){(uint32_t)first, (uint32_t)(end - first), line};
	return 0;
}

/* Append the part of @range that @map has. */
static int append_common(struct subid_ranges *to, const struct subid_range *range, const char *map)
{
	uint64_t first = range->start, end = first + range->count;
	struct cursor c = cursor_of(map);
	struct id_extent e;
	int rc = 0;

	while (rc == 0 && idmap_next(&c, &e))
		rc = append(to, MAX(first, (uint64_t)e.inside),
			    MIN(end, (uint64_t)e.inside + e.count), range->line);
	return rc;
}

/* Append all ids of @map, without @own. */
static int append_all(struct subid_ranges *to, uint32_t own, const char *map)
{
	struct cursor c = cursor_of(map);
	struct id_extent e;
	int rc = 0;

	for (unsigned line = 1; rc == 0 && idmap_next(&c, &e); line++) {
		uint64_t first = e.inside, end = first + e.count;

		if (own < first || own >= end) {
			rc = append(to, first, end, line);
			continue;
		}
		rc = append(to, first, own, line);
		if (rc == 0)
			rc = append(to, (uint64_t)own + 1, end, line);
	}
	return rc;
}

static bool has_all_ids(const char *map)
{
	struct cursor c = cursor_of(map);
	struct id_extent e;

	return idmap_next(&c, &e) && e.inside == 0 && e.count == UINT32_MAX;
}

bool fit_is_free(const struct fit *fit)
{
	for (enum subid_kind k = 0; fit->direct && k < SUBID_KINDS_; k++) {
		_cleanup_free_ char *map = machine_read(fit->machine, maps[k]);

		if (!map || has_all_ids(map))
			return false;
	}
	return fit->direct;
}

static void replace(struct subid_ranges *ranges, const struct subid_ranges *by)
{
	subid_ranges_clear(ranges);
	*ranges = *by;
}

/* Remove the ids that our user namespace lacks from @ranges. Without the map no id is known to be
 * missing. */
static int cut(const struct fit *fit, enum subid_kind kind, struct subid_ranges *ranges)
{
	_cleanup_free_ char *map = machine_read(fit->machine, maps[kind]);
	struct subid_ranges common = {.source = ranges->source, .apart = true};
	int rc = 0;

	if (!map)
		return 0;
	for (size_t i = 0; i < ranges->n && rc == 0; i++)
		rc = append_common(&common, &ranges->items[i], map);
	if (rc == 0)
		replace(ranges, &common);
	else
		subid_ranges_clear(&common);
	return rc;
}

static int take_all(const struct fit *fit, enum subid_kind kind, struct subid_ranges *ranges)
{
	_cleanup_free_ char *map = machine_read(fit->machine, maps[kind]);
	struct subid_ranges all = {.source = maps[kind], .apart = true};
	int rc = append_all(&all, fit->own[kind], map ? map : "");

	if (rc == 0)
		replace(ranges, &all);
	else
		subid_ranges_clear(&all);
	return rc;
}

/* @sources: the files of the ranges before the cut; NULL: there were none */
static int nothing_remains(const char *const *sources, enum subid_kind kind, struct error *err)
{
	int rc;

	if (sources[kind])
		return err_say(err, EPERM, "no id of our lines in %s is in %s", sources[kind],
			       maps[kind]);
	rc = err_say(err, ENOENT, "%s has no id but our own", maps[kind]);
	return err_about(err, rc, REASON_NO_RANGES, "%s", maps[kind]);
}

/* The first kind without a range; SUBID_KINDS_: both have some. */
static enum subid_kind first_empty(const struct subid_ranges *ranges)
{
	enum subid_kind k = 0;

	while (k < SUBID_KINDS_ && ranges[k].n > 0)
		k++;
	return k;
}

int fit_ranges(const struct fit *fit, struct subid_ranges *ranges, struct error *err)
{
	const char *const sources[] = {
		ranges[SUBID_UID].n > 0 ? ranges[SUBID_UID].source : NULL,
		ranges[SUBID_GID].n > 0 ? ranges[SUBID_GID].source : NULL,
	};
	int rc = 0;

	for (enum subid_kind k = 0; k < SUBID_KINDS_ && rc == 0; k++)
		rc = cut(fit, k, &ranges[k]);
	if (rc == 0 && first_empty(ranges) < SUBID_KINDS_ && fit_is_free(fit))
		for (enum subid_kind k = 0; k < SUBID_KINDS_ && rc == 0; k++)
			rc = take_all(fit, k, &ranges[k]);
	if (rc < 0)
		return err_set(err, -rc, "fitting the subordinate ids");
	if (first_empty(ranges) < SUBID_KINDS_)
		return nothing_remains(sources, first_empty(ranges), err);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The id map: which ids the child sees and what they are outside.
 *
 * Child id 0 is the caller; 1… are the caller's subordinate ranges, in their order, end to end. The
 * maps are written by newuidmap(1) and newgidmap(1), or directly where we have the capabilities
 * (man 7 user_namespaces, "Defining user and group ID mappings").
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/spawn.h"
#include "fauxroot/idmap/subid.h"

struct config;
struct error;

/* The kernel takes at most this many lines in uid_map or gid_map. */
#define IDMAP_MAX_EXTENTS 340

struct idmap_extent {
	uint32_t inside;
	uint32_t outside;
	uint32_t count;
};

struct idmap_plan {
	struct idmap_extent extents[IDMAP_MAX_EXTENTS];
	size_t n;
};

struct idmap {
	struct idmap_plan uid;
	struct idmap_plan gid;
	bool single; /* only the caller: written by ourselves, setgroups denied first */
};

/*
 * idmap_plan() - lay @ranges end to end behind the caller's own id
 * @kind: for the error's words
 * @own: the caller's user or group id
 *
 * Adjacent ranges that stay adjacent are merged into one extent. Returns 0, or -EINVAL with a
 * sentence that shows the lines: two ranges overlap, one holds @own, one is empty or ends past
 * 2^32-2, or there are more extents than the kernel takes.
 */
int idmap_plan(enum subid_kind kind, uint32_t own, const struct subid_ranges *ranges,
	       struct idmap_plan *ret, struct error *err);

/* What the longest map takes as text; the kernel's own limit is one page (idmap_text()). */
#define IDMAP_TEXT_MAX (IDMAP_MAX_EXTENTS * sizeof("4294967295 4294967295 4294967295"))

/*
 * idmap_text() - @plan as uid_map takes it: "INSIDE OUTSIDE COUNT\n" an extent
 * @buf: IDMAP_TEXT_MAX + 1 bytes; terminated
 *
 * Returns the length.
 */
size_t idmap_text(const struct idmap_plan *plan, char *buf);

/* idmap_count() - how many ids @plan maps */
uint64_t idmap_count(const struct idmap_plan *plan);

/*
 * idmap_prepare() - both plans for the calling user, from the sources that @config names
 * @deadline, @cancel_fd: as fd_wait(); only for getsubids, where it has to be asked
 *
 * Needs no child: what is wrong with /etc/subuid is said before anything has started. Returns 0, or
 * -errno at step STEP_IDMAP; -ENOENT: the user has no ranges.
 */
int idmap_prepare(const struct config *config, const struct deadline *deadline, int cancel_fd,
		  struct idmap *ret, struct error *err);

/* Who is writing the maps. */
struct idmap_writers {
	bool helped; /* else they have been written already */
	struct helper mappers[2];
};

/*
 * idmap_begin() - give @child its maps
 * @child: a process in a new user namespace that waits for them
 * @ret: must be finished or abandoned if this succeeds
 *
 * Returns 0 with newuidmap and newgidmap running side by side, or the maps written; or -errno at
 * step STEP_IDMAP.
 */
int idmap_begin(const struct idmap *map, pid_t child, struct idmap_writers *ret, struct error *err);

/*
 * idmap_finish() - wait until the maps are written
 * @deadline, @cancel_fd: as fd_wait(); where they say so the programs are ended
 *
 * What the programs print last stands in the error. Returns 0, -ETIMEDOUT, -ECANCELED, or -errno at
 * step STEP_IDMAP.
 */
int idmap_finish(struct idmap_writers *writers, const struct deadline *deadline, int cancel_fd,
		 struct error *err);

/* idmap_abandon() - end what still writes; nothing has to follow */
void idmap_abandon(struct idmap_writers *writers);

/* idmap_apply() - idmap_begin() and idmap_finish() */
int idmap_apply(const struct idmap *map, pid_t child, const struct deadline *deadline,
		int cancel_fd, struct error *err);

/*
 * idmap_repeat() - map every id of our own user namespace to itself in the one below it
 * @map: the map of our own user namespace; the copy has the same extents, because a line of a map
 *	must lie within one line of its parent's map
 * @child: a process in a user namespace that is a child of ours
 *
 * For a process with CAP_SETUID and CAP_SETGID in its user namespace. Returns 0 or -errno at step
 * STEP_IDMAP.
 */
int idmap_repeat(const struct idmap *map, pid_t child, struct error *err);

/*
 * idmap_clone() - from a user namespace that has been mapped, clone a child into one below it
 * @map: of our own user namespace; give the child the same ids by idmap_repeat()
 * @flags: CLONE_NEWUSER and the other namespaces that the child's user namespace is to own
 * @ret: the child, which is the caller's sibling (CLONE_PARENT): the caller's parent reaps it
 *
 * The caller was cloned into its user namespace with all capabilities. It becomes root of it here;
 * its parent-death signal is armed again at the end, because changes of ids clear it (man 2 prctl):
 * see afterwards whether the parent still lives. The child's user namespace belongs to a
 * subordinate id where @map has any, else to the caller.
 *
 * Returns 0 in the child, which has nothing of this done to it; 1 in the caller; -errno at step
 * STEP_CLONE, with no child left.
 */
int idmap_clone(const struct idmap *map, unsigned long flags, struct process *ret,
		struct error *err);

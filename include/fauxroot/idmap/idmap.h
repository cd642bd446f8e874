/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The id map: the ids that the child sees, and their values outside.
 *
 * Child id 0 is the caller; 1… are the caller's subordinate ranges, in their order and without
 * gaps. newuidmap(1) and newgidmap(1) write the maps; if we have the capabilities, we write them
 * ourselves (man 7 user_namespaces, "Defining user and group ID mappings").
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

/* The most lines that the kernel accepts in uid_map or gid_map. */
#define IDMAP_MAX_EXTENTS 340

/* One line of a map: ids that follow each other inside and outside. */
struct idmap_extent {
	uint32_t inside;
	uint32_t outside;
	uint32_t count;
};

/* The lines of a uid_map or gid_map. */
struct idmap_plan {
	struct idmap_extent extents[IDMAP_MAX_EXTENTS];
	size_t n;
};

struct idmap {
	struct idmap_plan uid;
	struct idmap_plan gid;
	bool single; /* only the caller's id: we write the maps ourselves, and deny setgroups first
		      */
};

/*
 * idmap_plan() - map @ranges without gaps, after the caller's own id
 * @kind: for the error
 * @own: the caller's user or group id
 *
 * Adjacent ranges are merged into one extent, unless @ranges says that they are apart. Returns 0,
 * or -EINVAL with a sentence that shows the lines: two ranges overlap, a range contains @own, a
 * range is empty or ends past 2^32-2, or there are more extents than the kernel accepts.
 */
int idmap_plan(enum subid_kind kind, uint32_t own, const struct subid_ranges *ranges,
	       struct idmap_plan *ret, struct error *err);

/* The length of the longest map as text; the kernel's own limit is one page (idmap_text()). */
#define IDMAP_TEXT_MAX (IDMAP_MAX_EXTENTS * sizeof("4294967295 4294967295 4294967295"))

/*
 * idmap_text() - format @plan for uid_map: "INSIDE OUTSIDE COUNT\n" per extent
 * @buf: IDMAP_TEXT_MAX + 1 bytes; will be terminated
 *
 * Returns the length.
 */
size_t idmap_text(const struct idmap_plan *plan, char *buf);

/* idmap_count() - the number of ids that @plan maps */
uint64_t idmap_count(const struct idmap_plan *plan);

/*
 * idmap_prepare() - make both plans for the calling user, from the sources that @config names
 * @deadline, @cancel_fd: as fd_wait(); only used if getsubids has to run
 *
 * Needs no child, so a problem with /etc/subuid is reported before anything has started. Returns 0,
 * or -errno at step STEP_IDMAP; -ENOENT: the user has no ranges.
 */
int idmap_prepare(const struct config *config, const struct deadline *deadline, int cancel_fd,
		  struct idmap *ret, struct error *err);

/* The programs that write the maps. */
struct idmap_writers {
	bool helped; /* false: the maps are already written, without programs */
	struct helper mappers[2];
};

/*
 * idmap_begin() - start to write the maps of @child
 * @child: a process in a new user namespace that waits for its maps
 * @ret: on success, pass it to idmap_finish() or idmap_abandon()
 *
 * Returns 0 with newuidmap and newgidmap running in parallel, or with the maps already written; or
 * -errno at step STEP_IDMAP.
 */
int idmap_begin(const struct idmap *map, pid_t child, struct idmap_writers *ret, struct error *err);

/*
 * idmap_finish() - wait until the maps are written
 * @deadline, @cancel_fd: as fd_wait(); they end the wait by killing the programs
 *
 * The error contains the last output of the programs. Returns 0, -ETIMEDOUT, -ECANCELED, or -errno
 * at step STEP_IDMAP.
 */
int idmap_finish(struct idmap_writers *writers, const struct deadline *deadline, int cancel_fd,
		 struct error *err);

/* idmap_abandon() - kill the programs that still run; no idmap_finish() is needed */
void idmap_abandon(struct idmap_writers *writers);

/*
 * idmap_repeat() - map every id of our own user namespace to itself in a child user namespace
 * @map: the map of our own user namespace; the copy has the same extents, because a line of a map
 *	must lie within one line of its parent's map
 * @child: a process in a user namespace that is a child of ours
 *
 * The caller needs CAP_SETUID and CAP_SETGID in its user namespace. Returns 0 or -errno at step
 * STEP_IDMAP.
 */
int idmap_repeat(const struct idmap *map, pid_t child, struct error *err);

/*
 * idmap_clone() - in a user namespace that has its maps, clone a child into a new child user
 * namespace
 * @map: the map of our own user namespace; give the child the same ids with idmap_repeat()
 * @flags: CLONE_NEWUSER, and the other namespaces that the child's user namespace shall own
 * @ret: the child. It is the caller's sibling (CLONE_PARENT): the caller's parent reaps it
 *
 * The caller was cloned into its user namespace with all capabilities. This function makes it root
 * of that namespace. At the end it sets the parent-death signal again, because changes of ids clear
 * it (man 2 prctl): afterwards, check that the parent still lives. The child's user namespace
 * belongs to a subordinate id if @map has any, otherwise to the caller.
 *
 * Returns 0 in the child, whose ids and parent-death signal are not set; 1 in the caller; -errno at
 * step STEP_CLONE, with no child left.
 */
int idmap_clone(const struct idmap *map, unsigned long flags, struct process *ret,
		struct error *err);

/* SPDX-License-Identifier: Apache-2.0 */
/* The table of causes, and what its rows are made of. */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "facts.h"
#include "fauxroot/base/err.h"
#include "fauxroot/config/config.h"
#include "fauxroot/machine/accounts.h"
#include "fauxroot/machine/machine.h"
#include "fauxroot/machine/process.h"
#include "fauxroot/machine/subid.h"

struct explanation;

/*
 * One cause. It explains a failure at one of @steps with one of @codes (none: any) for one of
 * @reasons (none: any), if @test finds it on the machine (NULL: the failure itself is the proof).
 *
 * Texts hold {names} of facts: those that @test has set, and those of facts.c.
 */
struct cause {
	const char *id; /* its name, for good: in the log of --debug, in documents, in tests */
	unsigned steps; /* STEP_BIT()s */
	int codes[4];	/* ends with 0 */
	enum error_reason reasons[2]; /* ends with REASON_NONE */
	bool (*test)(struct facts *facts);
	const char *cause;
	/*
	 * What mends it, in a container and beside that. Of the containers' only that of the
	 * runtime at hand is told, where it is known.
	 */
	const char *docker;	/* options of docker run, and of podman run */
	const char *podman;	/* options of podman run, where they differ */
	const char *kubernetes; /* a member of the container's manifest */
	const char *lxd;	/* arguments of lxc, of incus */
	const char *remedy;	/* in all other cases, or in any: begins with "or" then */
	const char *outside;	/* outside of containers, in the place of all of those */
};

#define STEP_BIT(step) (1U << (step))

/* A part of the table, and what its chapter is called. */
struct cause_part {
	const char *title;
	const struct cause *rows;
};

/* cause_parts() - all of them, in their order; ends with a NULL title */
const struct cause_part *cause_parts(void);

/* A walk through all rows of the table; zero before the first. */
struct cause_walk {
	const struct cause_part *part;
	const struct cause *row;
};

/*
 * cause_next() - the next row of the table, in its order: the first that holds explains a failure
 * @walk: where the walk is
 *
 * Returns NULL after the last row.
 */
const struct cause *cause_next(struct cause_walk *walk);

/* The parts of the table, a file of causes/ each; each ends with a row whose cause is NULL. */
extern const struct cause causes_of_namespaces[];    /* clone(2) */
extern const struct cause causes_of_limits[];	     /* processes, descriptors */
extern const struct cause causes_of_mappers[];	     /* newuidmap(1) and newgidmap(1) */
extern const struct cause causes_of_ranges[];	     /* subordinate ids */
extern const struct cause causes_of_confinement[];   /* AppArmor, masked mounts */
extern const struct cause causes_of_the_state_dir[]; /* and of --copy-up */
extern const struct cause causes_of_networks[];	     /* devices, helpers */
extern const struct cause causes_of_cgroups[];
extern const struct cause causes_of_ports[];
extern const struct cause causes_of_the_target[];
extern const struct cause causes_of_the_preflight[]; /* asked for by id; they match no error */

/*
 * cause_remedy() - what mends @cause for whoever is in @container
 * @container: NULL: none
 * @all: instead, all that the row has, for documents
 */
void cause_remedy(const struct cause *cause, const struct container *container, bool all, char *buf,
		  size_t size);

/*
 * explain_as() - the cause with this id and its remedy, whatever the error, if its test finds it
 *
 * For a finding of --check. Returns false, with @ret untouched, where it does not hold.
 */
bool explain_as(const char *id, struct facts *facts, struct explanation *ret);

/* Tests that more than one file uses; each row's own are static, in the row's file. */

/* fact_file() - the first line of the file @path as a fact; false where there is none */
bool fact_file(struct facts *facts, const char *name, const char *path);

/* fact_status() - the field @field of /proc/self/status as a fact; false where there is none */
bool fact_status(struct facts *facts, const char *name, const char *field);

/* setting_is() - has the file @path this value? {setting}: what it has */
bool setting_is(struct facts *facts, const char *path, const char *value);

/* has_filter() - is a seccomp filter on this process? {seccomp}: what /proc/self/status has */
bool has_filter(struct facts *facts);

bool is_in_container(struct facts *facts);

/* port_is_privileged() - may only a privileged process open the port that the error is about?
 * {start}: the first port that is open to all, {lowest}: of the published ones */
bool port_is_privileged(struct facts *facts);

/* is_mounted_with() - is the file system that @path is on mounted with @option ("nosuid")?
 * {mount}: its mount point */
bool is_mounted_with(struct facts *facts, const char *path, const char *option);

/* is_elsewhere() - does PATH not lead to the program @name, which is in one of the directories that
 * distributions use? {program}: its path, {dir}: that directory */
bool is_elsewhere(struct facts *facts, const char *name);

/* is_closed_to_us() - does @st lack one of @bits for our ids? {rights}: whose it is, its mode */
bool is_closed_to_us(struct facts *facts, const struct stat *st, mode_t bits);

/* mapper_failed_to_write() - was newuidmap or newgidmap there, and the kernel refused the map? No
 * seccomp filter is the reason then: the write itself is allowed everywhere. */
bool mapper_failed_to_write(const struct error *err);

/* is_about_getsubids() - is the failure about getsubids, or what $GETSUBIDS names? */
bool is_about_getsubids(const struct facts *facts);

/* kernel_is_older() - than Linux @major.@minor; {release}: the kernel's own name for itself */
bool kernel_is_older(struct facts *facts, uint32_t major, uint32_t minor);

/* proc_is_masked() - {masks}: the mounts below /proc that hide a part of it */
bool proc_is_masked(struct facts *facts);

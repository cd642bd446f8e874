/* SPDX-License-Identifier: Apache-2.0 */
/* The table of causes and the format of its rows. */
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
 * One cause. It explains a failure at one of @steps with @reason and one of @codes, if @test
 * returns true (NULL: the failure itself is the proof).
 *
 * Texts contain {names} of facts, which @test sets or facts.c reads.
 */
struct cause {
	const char *id;		  /* must not change: --debug, --json, documents and tests use it */
	unsigned steps;		  /* STEP_BIT()s */
	enum error_reason reason; /* or ANY_REASON */
	int codes[4];		  /* errno values, up to the first 0; or ANY_CODE */
	bool (*test)(struct facts *facts);
	const char *cause;
	/* The remedies, for containers and in general; one alternative a line. In a known
	 * container, the remedies for other runtimes are left out. */
	const char *docker;	/* options of docker run, and of podman run */
	const char *podman;	/* options of podman run, if they differ */
	const char *kubernetes; /* a sentence after "in Kubernetes, " */
	const char *lxd;	/* arguments of lxc, of incus */
	const char *remedy;	/* in all cases, in addition to those above */
	const char *outside;	/* outside of containers, instead of all above */
};

#define STEP_BIT(step) (1U << (step))
#define ANY_STEP       (~0U)
#define ANY_REASON     REASON_NONE
#define ANY_CODE       0

/* FAILURE() - the first members of a row: its id, and the errors that it explains, with one or more
 * errno values at the end. A row without FAILURE() explains no error: probes use it by its id. */
#define FAILURE(name, at, why, ...) \
	.id = (name), .steps = (at), .reason = (why), .codes = {__VA_ARGS__}

/* Remedies of several rows. */
#define SYSCTL(setting) \
	"echo " setting " | sudo tee -a /etc/sysctl.d/60-fauxroot.conf && sudo sysctl --system"
#define SET_LIMIT(item)                                                                         \
	"echo {user} - " item " 65536 | sudo tee -a /etc/security/limits.d/60-fauxroot.conf # " \
	"then log in again"
#define UNIFIED_CGROUPS                                                                 \
	.docker = "--cgroupns=private", .remedy = "use a host that has only cgroup v2", \
	.outside = "{boot systemd.unified_cgroup_hierarchy=1}"
#define UNFILTERED                                     \
	.docker = "--security-opt seccomp=unconfined", \
	.kubernetes = "set securityContext.seccompProfile.type: Unconfined"
#define MORE_IDS "config set NAME security.idmap.size 200000"
#define UNMASK                                                                                    \
	.docker = "--security-opt systempaths=unconfined", .podman = "--security-opt unmask=ALL", \
	.kubernetes = "set securityContext.procMount: Unmasked, and hostUsers: false in the pod", \
	.lxd = "config set NAME security.nesting=true"

/* A part of the table with its title. */
struct cause_part {
	const char *title;
	const struct cause *rows;
};

/* cause_parts() - all parts in order; the last title is NULL */
const struct cause_part *cause_parts(void);

/* A walk through all rows of the table; zero before the first. */
struct cause_walk {
	const struct cause_part *part;
	const struct cause *row;
};

/*
 * cause_next() - the next row of the table; the first row that matches explains a failure
 * @walk: the position in the table
 *
 * Returns NULL after the last row.
 */
const struct cause *cause_next(struct cause_walk *walk);

/* The parts of the table, one for each file of causes/. Each ends with a row whose cause is NULL.
 */
extern const struct cause causes_of_namespaces[];    /* clone(2) */
extern const struct cause causes_of_limits[];	     /* processes, descriptors */
extern const struct cause causes_of_mappers[];	     /* newuidmap(1) and newgidmap(1) */
extern const struct cause causes_of_ranges[];	     /* subordinate ids */
extern const struct cause causes_of_acceleration[];  /* --net-accel */
extern const struct cause causes_of_confinement[];   /* AppArmor, masked mounts */
extern const struct cause causes_of_the_state_dir[]; /* and of --copy-up */
extern const struct cause causes_of_networks[];	     /* devices, helpers */
extern const struct cause causes_of_cgroups[];
extern const struct cause causes_of_ports[];
extern const struct cause causes_of_the_target[];
extern const struct cause causes_of_the_preflight[]; /* requested by id; they match no error */

/*
 * cause_remedy() - the remedies of @cause, one alternative a line
 * @container: the container of this process; NULL: none
 * @all: ignore @container and list every remedy of the row, for documents
 */
void cause_remedy(const struct cause *cause, const struct container *container, bool all, char *buf,
		  size_t size);

/*
 * explain_as() - the cause with this id and its remedy, for a finding of --check
 *
 * Ignores the steps, the reason and the codes of the row, but not its test. Returns false, with
 * @ret untouched, if the test fails.
 */
bool explain_as(const char *id, struct facts *facts, struct explanation *ret);

/* Tests that more than one file uses. The other tests are static, in the file of their row. */

/* fact_file() - the first line of the file @path as a fact; false if it does not exist */
bool fact_file(struct facts *facts, const char *name, const char *path);

/* fact_status() - the field @field of /proc/self/status as a fact; false if it does not exist */
bool fact_status(struct facts *facts, const char *name, const char *field);

/* setting_is() - does the file @path contain @value? Sets {setting}: its content */
bool setting_is(struct facts *facts, const char *path, const char *value);

/* has_filter() - does this process have a seccomp filter? Sets {seccomp}: the mode in
 * /proc/self/status */
bool has_filter(struct facts *facts);

/* own_ranges() - our own lines of /etc/subuid or /etc/subgid; empty if there are none, or if lines
 * are invalid */
void own_ranges(const struct machine *machine, const char *path, struct subid_ranges *ret);

/* has_account() - is our uid in /etc/passwd? usermod(8) knows only these accounts */
bool has_account(struct facts *facts);

/* port_is_privileged() - is the port of the error reserved for privileged processes? Sets {start}:
 * the first unprivileged port, {lowest}: the lowest published port */
bool port_is_privileged(struct facts *facts);

/* is_mounted_with() - is the file system of @path mounted with @option ("nosuid")? Sets {mount}:
 * its mount point */
bool is_mounted_with(struct facts *facts, const char *path, const char *option);

/* is_closed_to_us() - do our ids lack a permission of @bits at the file of @st? Sets {rights}: its
 * owner and mode */
bool is_closed_to_us(struct facts *facts, const struct stat *st, mode_t bits);

/* mapper_failed_to_write() - did newuidmap or newgidmap run, and the kernel refuse the map? A
 * seccomp filter is not the reason then, because filters allow the write itself. */
bool mapper_failed_to_write(const struct error *err);

/* is_about_getsubids() - is the failure about getsubids, or the program of $GETSUBIDS? */
bool is_about_getsubids(const struct facts *facts);

/* kernel_is_older() - is the kernel older than @major.@minor? Sets {release}: its full version */
bool kernel_is_older(struct facts *facts, uint32_t major, uint32_t minor);

/* proc_is_masked() - do mounts hide a part of /proc? Sets {masks}: their mount points */
bool proc_is_masked(struct facts *facts);

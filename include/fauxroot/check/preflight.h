/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --check: what on this machine stands in the way of a launch with the given options.
 *
 * Two halves. preflight_try() tries what can be tried harmlessly, in a throw-away child with the
 * namespaces, maps, mounts and network that the launch would make, by the same functions.
 * preflight_judge() reads the machine's files, takes the trials' outcomes, and says what each check
 * has seen; it starts nothing, so tests hand it a fabricated machine and outcomes of their own.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/check/explain.h"
#include "fauxroot/launch/rehearse.h"

struct config;
struct signals;

/* What is tried. */
enum trial {
	TRIAL_NONE = 0,
	TRIAL_RANGES, /* finding the subordinate ids */
	TRIAL_STATEDIR,
	TRIAL_CLONE,
	TRIAL_IDMAP,
	TRIAL_MOUNT, /* propagation */
	TRIAL_SYSFS,
	TRIAL_CGROUP,	/* can ours be evacuated? */
	TRIAL_CGROUPFS, /* mounting cgroup2 */
	TRIAL_PROC,
	TRIAL_COPY_UP,
	TRIAL_TUN,
	TRIAL_NET,
	TRIAL_PORT_DRIVER,
	TRIAL_PING,
	TRIAL_FDS,
	TRIAL_CONTAINER_PROC, /* what a container's runtime mounts */
	TRIAL_OVERLAY,
	TRIAL_FUSE,
	TRIAL_TARGET,
	TRIAL_COUNT_
};

struct outcomes {
	struct outcome of[TRIAL_COUNT_];
	struct outcome ports[OUTCOME_PORTS]; /* one a --publish */
	char helper[128];		     /* the network's driver and its helper's version */
	char docker[128];		     /* what dockerd --version says; "": nothing */
	char *kernel_config;		     /* the text of /proc/config.gz; NULL: not read */
	uint64_t uids, gids;		     /* how many ids the maps have; 0: no maps */
	bool mappers;			     /* newuidmap and newgidmap have to write the maps */
};

/* outcomes_free() - as free(3); accepts NULL */
void outcomes_free(struct outcomes *outcomes);

/*
 * preflight_try() - try what @config asks for, as far as that leaves nothing behind
 * @signals: blocked and open: signals_block()
 * @ret: filled in whatever happens
 *
 * For the launcher's one thread, with SIGCHLD at its default: it makes children and reaps them.
 * What the tried functions log goes into the notes. Takes some 50 ms with a network, each wait
 * having a deadline. Returns 0, -ECANCELED where a terminating signal came, or -ENOMEM.
 */
int preflight_try(const struct config *config, const struct signals *signals, struct outcomes *ret);

enum finding_status {
	FINDING_OK = 0,
	FINDING_UNKNOWN,  /* could not be read, or not be tried because of another finding */
	FINDING_WARNING,  /* the launch works; something will not work later, or not well */
	FINDING_OBSTACLE, /* the launch fails */
	FINDING_STATUS_COUNT_
};

/* What one check has seen. */
struct finding {
	char name[96]; /* "id map", "port 127.0.0.1:80/tcp" */
	enum finding_status status;
	char seen[600];
	struct explanation why; /* its id is NULL where no cause is known */
};

struct findings {
	struct finding *items;
	size_t n, room;
};

void findings_clear(struct findings *findings);

#define _cleanup_findings_ _cleanup_(findings_clear)

/*
 * preflight_judge() - all checks that @config asks for, in the order of a launch
 * @outcomes: of preflight_try()
 *
 * Returns 0 or -ENOMEM.
 */
int preflight_judge(const struct config *config, const struct machine *machine,
		    const struct outcomes *outcomes, struct findings *ret);

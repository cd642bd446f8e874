/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --check: find the obstacles on this machine to a launch with the given options.
 *
 * preflight_try() runs the trials: a temporary child gets the namespaces, maps, mounts and network
 * of the launch, by the same functions. preflight_judge() reads files of the machine and the
 * outcomes of the trials, and writes the findings. It starts no process, so tests can pass a
 * fabricated machine and fabricated outcomes.
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

/* The trials. */
enum trial {
	TRIAL_NONE = 0,
	TRIAL_RANGES, /* find the subordinate ids */
	TRIAL_STATEDIR,
	TRIAL_CLONE,
	TRIAL_IDMAP,
	TRIAL_MOUNT, /* propagation */
	TRIAL_SYSFS,
	TRIAL_CGROUP,	/* can our cgroup be evacuated? */
	TRIAL_CGROUPFS, /* mount cgroup2 */
	TRIAL_PROC,
	TRIAL_COPY_UP,
	TRIAL_TUN,
	TRIAL_NET,
	TRIAL_NAMES,
	TRIAL_ACCEL,
	TRIAL_PORT_DRIVER,
	TRIAL_HOST_PORTS, /* --forward-host */
	TRIAL_PING,
	TRIAL_FDS,
	TRIAL_CONTAINER_PROC, /* mount proc as a container runtime does */
	TRIAL_OVERLAY,
	TRIAL_FUSE,
	TRIAL_DATA, /* give a file in the data directory to another id */
	TRIAL_TARGET,
	TRIAL_COUNT_
};

struct outcomes {
	struct outcome of[TRIAL_COUNT_];
	struct outcome ports[OUTCOME_PORTS]; /* one for each --publish */
	char helper[128];		     /* the network's driver and its helper's version */
	char docker[128];		     /* the output of dockerd --version; "": none */
	char *kernel_config;		     /* the text of /proc/config.gz; NULL: not read */
	uint64_t uids, gids;		     /* the number of ids in the maps; 0: no maps */
	bool mappers;			     /* newuidmap and newgidmap have to write the maps */
};

/* outcomes_free() - free the outcomes; accepts NULL */
void outcomes_free(struct outcomes *outcomes);

/*
 * preflight_try() - try the launch of @config and leave nothing behind
 * @signals: blocked and open: signals_block()
 * @ret: always filled in
 *
 * Only for the single-threaded launcher with the default SIGCHLD action: it forks and reaps
 * children. Log messages of the tried functions become notes. Takes about 50 ms with a network;
 * each wait has a deadline. Returns 0, -ECANCELED after a terminating signal, or -ENOMEM.
 */
int preflight_try(const struct config *config, const struct signals *signals, struct outcomes *ret);

enum finding_status {
	FINDING_OK = 0,
	FINDING_UNKNOWN,  /* unreadable, or not tried because of another finding */
	FINDING_WARNING,  /* the launch works, but the command will have a problem */
	FINDING_OBSTACLE, /* the launch fails */
	FINDING_STATUS_COUNT_
};

/* The result of one check. */
struct finding {
	char name[96]; /* "id map", "port 127.0.0.1:80/tcp" */
	enum finding_status status;
	char seen[600];
	struct explanation why; /* its id is NULL if no cause is known */
};

struct findings {
	struct finding *items;
	size_t n;
};

/* findings_clear() - free the findings and reset the list */
void findings_clear(struct findings *findings);

#define _cleanup_findings_ _cleanup_(findings_clear)

/*
 * preflight_judge() - make all checks that @config needs, in the order of a launch
 * @outcomes: of preflight_try()
 *
 * Returns 0 or -ENOMEM.
 */
int preflight_judge(const struct config *config, const struct machine *machine,
		    const struct outcomes *outcomes, struct findings *ret);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The rehearsal (launch/rehearse.h) tries the stages of a launch. This file tries what depends on
 * the command. A row of the report covers one or more stages and contains the error of the first
 * stage that failed. Stages of the middle process and some stages of the child have no row: the
 * launcher waits for them, so a stage of the launcher has the same error.
 */
#include "trial.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/spawn.h"
#include "fauxroot/base/str.h"
#include "fauxroot/config/config.h"
#include "fauxroot/supervise/signals.h"
#include "fauxroot/sys/caps.h"
#include "probes/probe.h"

/* The row of each stage. A stage without an entry has no row. */
static const struct {
	enum trial trial;
	bool proves; /* the row counts as tried only if this stage was tried */
} rows[STAGE_COUNT_] = {
	[STAGE_RANGES] = {TRIAL_RANGES, true},
	[STAGE_HELPER] = {TRIAL_NET, false},
	[STAGE_PORT_OPTIONS] = {TRIAL_PORT_DRIVER, false},
	[STAGE_STATEDIR] = {TRIAL_STATEDIR, true},
	[STAGE_NAME] = {TRIAL_STATEDIR, false},
	[STAGE_CGROUP] = {TRIAL_CGROUP, true},
	[STAGE_NOTIFY] = {TRIAL_STATEDIR, false},
	[STAGE_ETC_FILES] = {TRIAL_STATEDIR, false},
	[STAGE_MIDDLE] = {TRIAL_CLONE, false},
	[STAGE_MAPPERS] = {TRIAL_IDMAP, false},
	[STAGE_NET_PREPARE] = {TRIAL_NET, false},
	[STAGE_API] = {TRIAL_STATEDIR, false},
	[STAGE_IDMAP] = {TRIAL_IDMAP, true},
	[STAGE_CHILD] = {TRIAL_CLONE, false},
	[STAGE_EVACUATION] = {TRIAL_CGROUP, false},
	[STAGE_NAMESPACES] = {TRIAL_CLONE, true},
	[STAGE_DETACH] = {TRIAL_CLONE, false},
	[STAGE_CHILD_MAPPED] = {TRIAL_CLONE, false},
	[STAGE_LET_MOUNT] = {TRIAL_CLONE, false},
	[STAGE_ROOT] = {TRIAL_MOUNT, false},
	[STAGE_SELF] = {TRIAL_MOUNT, false},
	[STAGE_PROPAGATION] = {TRIAL_MOUNT, true},
	[STAGE_PROC] = {TRIAL_PROC, true},
	[STAGE_SYS] = {TRIAL_SYSFS, true},
	[STAGE_CGROUPFS] = {TRIAL_CGROUPFS, true},
	[STAGE_NETNS_FILE] = {TRIAL_MOUNT, false},
	[STAGE_ETC_OPENED] = {TRIAL_MOUNT, false},
	[STAGE_COPY_UP] = {TRIAL_COPY_UP, true},
	[STAGE_ETC_BOUND] = {TRIAL_MOUNT, false},
	[STAGE_ETC_SENT] = {TRIAL_MOUNT, false},
	[STAGE_WORKDIR] = {TRIAL_TARGET, false},
	[STAGE_NET_START] = {TRIAL_NET, false},
	[STAGE_NAMES] = {TRIAL_NET, false},
	[STAGE_MOUNTS] = {TRIAL_MOUNT, false},
	[STAGE_NET_READY] = {TRIAL_NET, true},
	[STAGE_ACCEL_FILTER] = {TRIAL_ACCEL, false},
	[STAGE_ACCEL_RECEIVED] = {TRIAL_ACCEL, false},
	[STAGE_ACCEL] = {TRIAL_ACCEL, true},
	[STAGE_PORT_DRIVER] = {TRIAL_PORT_DRIVER, true},
	[STAGE_HOST_PORTS] = {TRIAL_HOST_PORTS, true},
	[STAGE_CHILD_PID] = {TRIAL_STATEDIR, false},
	[STAGE_COMMAND] = {TRIAL_TARGET, true},
};

/* Memory shared by the processes of a rehearsal. */
struct shared {
	struct rehearsal rehearsal;
	struct outcome daemon[DAEMON_TRIALS];
};

static bool has_failed(const struct outcome *outcome)
{
	return outcome->tried && outcome->rc < 0;
}

/* Copy @stage to its row: the first failed stage wins, else the stage that proves the row. */
static void add(struct outcome *row, const struct outcome *stage, bool proves)
{
	char note[sizeof(row->note)];

	if (stage->unwanted || has_failed(row))
		return;
	memcpy(note, *row->note ? row->note : stage->note, sizeof(note));
	if (proves || has_failed(stage))
		*row = *stage;
	memcpy(row->note, note, sizeof(note));
}

/* The network's start includes the device, which has a row of its own. Without the device every
 * driver fails in the same way; the row of the network then reports only the helper's version. */
static void split_network(struct outcomes *to, const struct rehearsal *r)
{
	const struct outcome *start = &r->of[STAGE_NET_START];

	to->of[TRIAL_TUN] = *start;
	to->of[TRIAL_TUN].rc = 0;
	*to->of[TRIAL_TUN].note = '\0';
	if (has_failed(start) && start->err.reason == REASON_DEVICE) {
		to->of[TRIAL_TUN] = *start;
		to->of[TRIAL_NET] = r->verified;
		to->of[TRIAL_NET].tried = has_failed(&r->verified);
		to->of[TRIAL_NET].depends = STAGE_NET_START;
	} else if (has_failed(start) && start->err.reason != REASON_EXEC) {
		/* The device is made before the helper is executed, but not before anything else. */
		to->of[TRIAL_TUN].tried = false;
		to->of[TRIAL_TUN].depends = STAGE_NET_START;
	} else if (!to->of[TRIAL_NET].tried && has_failed(&r->verified)) {
		to->of[TRIAL_NET] = r->verified;
	}
}

static void take_outcomes(const struct config *config, struct shared *shared, struct outcomes *to)
{
	const struct rehearsal *r = &shared->rehearsal;

	for (int i = STAGE_NONE + 1; i < STAGE_COUNT_; i++) {
		const struct outcome *outcome = &r->of[i];

		if (rows[i].trial != TRIAL_NONE)
			add(&to->of[rows[i].trial], outcome, rows[i].proves);
		if (has_failed(outcome) && outcome->err.code == EMFILE &&
		    !has_failed(&to->of[TRIAL_FDS]))
			to->of[TRIAL_FDS] = *outcome;
	}
	to->of[TRIAL_FDS].tried = true;
	/* Without --state-dir, the scratch directory stands for that of the launch. */
	if (!config->state_dir)
		add(&to->of[TRIAL_STATEDIR], &r->of[STAGE_SCRATCH], false);
	split_network(to, r);
	for (size_t i = 0; i < DAEMON_TRIALS; i++) {
		outcome_arrived(&shared->daemon[i]);
		to->of[TRIAL_CONTAINER_PROC + i] = shared->daemon[i];
		if (!shared->daemon[i].tried)
			to->of[TRIAL_CONTAINER_PROC + i].depends = r->of[STAGE_COMMAND].depends;
	}
	memcpy(to->ports, r->ports, sizeof(to->ports));
	memcpy(to->helper, r->helper, sizeof(to->helper));
	to->uids = r->uids;
	to->gids = r->gids;
}

/* A range of groups may send echo requests without privileges; all our groups count (man 7 icmp,
 * ping_group_range). */
static void try_ping(struct outcome *outcome)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_ICMP);

	if (fd < 0)
		outcome->rc = err_set(&outcome->err, errno, "making an ICMP socket");
	outcome->tried = true;
	fd_close(fd);
}

/* If no child has tried the command, at least search for it here. If one has @begun and not come
 * back, the search could hang as well, on a file system that does not answer. */
static void find_target(char *const *command, bool begun, struct outcome *outcome)
{
	_cleanup_free_ char *path = NULL;

	if (outcome->tried || !command || !command[0])
		return;
	outcome->tried = true;
	if (begun) {
		outcome->rc = err_say(&outcome->err, ETIMEDOUT,
				      "executing \"%s\": the process that tried it hung or died",
				      command[0]);
		(void)err_step(&outcome->err, outcome->rc, STEP_EXEC);
		return;
	}
	outcome->rc = path_find(command[0], &path);
	if (outcome->rc < 0) {
		(void)err_set(&outcome->err, -outcome->rc, "executing \"%s\"", command[0]);
		(void)err_about(&outcome->err, outcome->rc, REASON_EXEC, "%s", command[0]);
		(void)err_step(&outcome->err, outcome->rc, STEP_EXEC);
	}
}

void outcomes_free(struct outcomes *outcomes)
{
	if (outcomes)
		free(outcomes->kernel_config);
	free(outcomes);
}

int preflight_try(const struct config *config, const struct signals *signals, struct outcomes *ret)
{
	struct shared *shared;
	struct outcome *last;
	bool begun;
	int rc;

	memset(ret, 0, sizeof(*ret));
	/* cppcheck-suppress invalidFunctionArg */
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		return -errno;
	if (trial_wants_storage(config)) {
		shared->rehearsal.inside = trial_daemon;
		shared->rehearsal.arg = shared->daemon;
		last = &shared->daemon[DAEMON_TRIALS - 1];
		if (!trial_data_dir(config, last->note, sizeof(last->note)))
			*last->note = '\0';
	}
	rc = launcher_rehearse(config, signals, &shared->rehearsal);
	take_outcomes(config, shared, ret);
	begun = shared->rehearsal.of[STAGE_COMMAND].begun;
	(void)munmap(shared, sizeof(*shared));
	if (rc < 0)
		return rc;
	ret->mappers = config->idmap != IDMAP_SINGLE && !caps_can_write_maps();
	if (config_has_helper(config))
		try_ping(&ret->of[TRIAL_PING]);
	find_target(config->command, begun, &ret->of[TRIAL_TARGET]);
	if (has_failed(&ret->of[TRIAL_CLONE]) || has_failed(&ret->of[TRIAL_TUN]))
		ret->kernel_config = kernel_config_read(signals->cancel);
	docker_version(config, signals->cancel, ret->docker, sizeof(ret->docker));
	return 0;
}

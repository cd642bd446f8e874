/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The rehearsal (launch/rehearse.h) tries the stages of a launch. This file tries the requirements
 * of the command. A row of the report covers one or more stages and contains the error of the first
 * stage that failed. Stages of the middle process and some stages of the child have no row: the
 * launcher waits for them, so a stage of the launcher has the same error.
 */
#include "trial.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
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

#define BIT(stage) (UINT64_C(1) << (stage))

static_assert(STAGE_COUNT_ <= 64, "each stage has a bit");

/* The stages of each row. For each stage without a row, a stage of a row waits. */
static const struct {
	enum launch_stage proof; /* the row counts as tried only if this stage was tried */
	uint64_t others;	 /* BIT()s */
} rows[TRIAL_COUNT_] = {
	[TRIAL_RANGES] = {STAGE_RANGES, 0},
	[TRIAL_STATEDIR] = {STAGE_STATEDIR, BIT(STAGE_NAME) | BIT(STAGE_NOTIFY) |
						    BIT(STAGE_ETC_FILES) | BIT(STAGE_API) |
						    BIT(STAGE_CHILD_PID)},
	[TRIAL_CLONE] = {STAGE_NAMESPACES, BIT(STAGE_MIDDLE) | BIT(STAGE_CHILD) |
						   BIT(STAGE_DETACH) | BIT(STAGE_CHILD_MAPPED) |
						   BIT(STAGE_LET_MOUNT)},
	[TRIAL_IDMAP] = {STAGE_IDMAP, BIT(STAGE_MAPPERS)},
	[TRIAL_MOUNT] = {STAGE_PROPAGATION, BIT(STAGE_ROOT) | BIT(STAGE_SELF) |
						    BIT(STAGE_NETNS_FILE) | BIT(STAGE_ETC_OPENED) |
						    BIT(STAGE_ETC_BOUND) | BIT(STAGE_ETC_SENT) |
						    BIT(STAGE_MOUNTS)},
	[TRIAL_PROC] = {STAGE_PROC, 0},
	[TRIAL_SYSFS] = {STAGE_SYS, 0},
	[TRIAL_CGROUP] = {STAGE_CGROUP, BIT(STAGE_EVACUATION)},
	[TRIAL_CGROUPFS] = {STAGE_CGROUPFS, 0},
	[TRIAL_COPY_UP] = {STAGE_COPY_UP, 0},
	[TRIAL_NET] = {STAGE_NET_READY,
		       BIT(STAGE_HELPER) | BIT(STAGE_NET_PREPARE) | BIT(STAGE_NET_START)},
	[TRIAL_NAMES] = {STAGE_NAMES, 0},
	[TRIAL_ACCEL] = {STAGE_ACCEL, BIT(STAGE_ACCEL_FILTER) | BIT(STAGE_ACCEL_RECEIVED)},
	[TRIAL_PORT_DRIVER] = {STAGE_PORT_DRIVER, BIT(STAGE_PORT_OPTIONS)},
	[TRIAL_HOST_PORTS] = {STAGE_HOST_PORTS, 0},
	[TRIAL_TARGET] = {STAGE_COMMAND, BIT(STAGE_WORKDIR)},
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
		/* The device is made before the helper is executed, but not before anything else.
		 */
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

		for (int t = TRIAL_NONE + 1; t < TRIAL_COUNT_; t++)
			if ((int)rows[t].proof == i || (rows[t].others & BIT(i)))
				add(&to->of[t], outcome, (int)rows[t].proof == i);
		if (has_failed(outcome) && outcome->err.code == EMFILE &&
		    !has_failed(&to->of[TRIAL_FDS]))
			to->of[TRIAL_FDS] = *outcome;
	}
	to->of[TRIAL_FDS].tried = true;
	/* Without --state-dir, the scratch directory represents the state directory of the
	 * launch. */
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

/* If no child has tried the command, at least search for it here. @begun: a child has begun to try
 * it and did not return. Then the search could hang as well, on a file system that does not
 * answer. */
static void find_target(char *const *command, bool begun, struct outcome *outcome)
{
	_cleanup_free_ char *path = NULL;

	if (outcome->tried || !command || !command[0])
		return;
	outcome->tried = true;
	outcome->rc = begun ? -ETIMEDOUT : path_find(command[0], &path);
	if (begun)
		(void)err_say(&outcome->err, ETIMEDOUT,
			      "executing \"%s\": the process that tried it hung or died",
			      command[0]);
	else if (outcome->rc < 0)
		(void)err_about(&outcome->err,
				err_set(&outcome->err, -outcome->rc, "executing \"%s\"",
					command[0]),
				REASON_EXEC, "%s", command[0]);
	(void)err_step(&outcome->err, outcome->rc, STEP_EXEC);
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

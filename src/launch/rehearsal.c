/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A rehearsal is a launch whose stages are all tried. It runs in a temporary process, so that it
 * leaves no descriptors, raised limits or children in the caller. The outcomes are in memory that
 * all its processes share. Most stages run as in a launch, because they only change the rehearsal's
 * own objects: its namespaces, and a temporary state directory. That directory is beside the usual
 * ones, and is named so that a later launch removes it if the rehearsal is killed
 * (statedir_sweep_strays()).
 *
 * One failure must not hide the next. If the subordinate ids or their maps fail, a second child
 * gets a map of only the caller's id, which needs no privileges, and the other stages are tried
 * with it.
 */
#include "rehearsal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "child.h"
#include "connect.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/str.h"
#include "fauxroot/config/portspec.h"
#include "fauxroot/mounts/mounts.h"
#include "fauxroot/supervise/tryexec.h"
#include "launch.h"
#include "namespaces.h"
#include "prepare.h"
#include "stage.h"

/* The time for the child to exit: executing a file may wait for a file system. */
#define END_MS 10000

int rehearse_nothing(struct launch *l, struct error *err)
{
	(void)l;
	(void)err;
	return 0;
}

int rehearse_statedir(struct launch *l, struct error *err)
{
	/* One page for each file: child_pid, and with a network resolv.conf and hosts. */
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t room = l->config->net == NET_HOST ? page : 3 * page;
	struct outcome *outcome = &l->rehearsal->of[STAGE_STATEDIR];
	int rc = statedir_check(l->config->state_dir, room, &l->prepared.wanted_state, err);

	if (rc == 0)
		(void)str_print(outcome->note, sizeof(outcome->note), "%s",
				l->prepared.wanted_state);
	return rc;
}

int rehearse_scratch(struct launch *l, struct error *err)
{
	int rc = prepare_statedir_at(l, NULL, err);

	if (rc == 0)
		(void)str_print(l->rehearsal->scratch, sizeof(l->rehearsal->scratch), "%s",
				l->prepared.state.path);
	return rc;
}

int rehearse_cgroup(struct launch *l, struct error *err)
{
	struct outcome *outcome = &l->rehearsal->of[STAGE_CGROUP];
	int rc = prepare_cgroup(l, err);

	if (rc == 0)
		(void)str_print(outcome->note, sizeof(outcome->note), "%s",
				l->prepared.cgroup.path);
	return rc;
}

int rehearse_evacuation(struct launch *l, struct error *err)
{
	/* The descriptor is closed with this temporary process. */
	return fcntl(l->prepared.cgroup.dir, F_DUPFD_CLOEXEC, 0) < 0
		       ? err_set(err, errno, "making the cgroup \"%s/%s\"", l->prepared.cgroup.path,
				 l->config->evacuate_cgroup2)
		       : 0;
}

int rehearse_propagation(struct launch *l, struct error *err)
{
	int rc = propagation_apply_child(l->config->propagation, err);

	return rc < 0 ? rc : propagation_apply_child(PROPAGATION_RPRIVATE, err);
}

int rehearse_copy_up(struct launch *l, struct error *err)
{
	const char *state = l->prepared.wanted_state;

	return child_copy_up_for(l, state && access(state, X_OK) == 0 ? state : "/", err);
}

int rehearse_port_driver(struct launch *l, struct error *err)
{
	int rc = connect_start_ports(l, err);

	if (rc == 0)
		ports_prepare_source(&l->ports);
	return rc;
}

static int try_port(struct ports *ports, const char *text, struct error *err)
{
	struct port_spec spec;
	int rc = portspec_parse(text, &spec, err);

	return rc < 0 ? err_step(err, rc, STEP_OPTIONS) : ports_try(ports, &spec, err);
}

int rehearse_ports(struct launch *l, struct error *err)
{
	struct ports ports = PORTS_NONE;
	int first = ports_open(l->config, -1, &ports, err);

	for (size_t i = 0; i < MIN(l->config->publish.n, (size_t)OUTCOME_PORTS) && ports.driver;
	     i++) {
		struct outcome *outcome = &l->rehearsal->ports[i];

		stage_note(outcome);
		outcome->rc = try_port(&ports, l->config->publish.items[i], &outcome->err);
		outcome->tried = true;
		if (outcome->rc < 0 && first == 0) {
			*err = outcome->err;
			first = outcome->rc;
		}
	}
	ports_stop(&ports);
	return first;
}

int rehearse_command(struct launch *l, struct error *err)
{
	return exec_try(l->config->command, err);
}

int rehearse_end(struct launch *l, struct error *err)
{
	struct deadline deadline = deadline_in(END_MS);
	int rc = fd_wait(l->cloned.child.pidfd, POLLIN, &deadline, l->signals->cancel);

	return rc < 0 ? err_set(err, -rc, "waiting for the child to exit") : 0;
}

static bool failed(const struct rehearsal *r, enum launch_stage stage)
{
	return r->of[stage].rc < 0;
}

/* The stages of the id maps, which are not repeated with the second child. */
static const enum launch_stage of_maps[REHEARSED_MAPS] = {STAGE_RANGES, STAGE_MAPPERS, STAGE_IDMAP};

/* With a second child, run the stages again that could not be tried, from the middle process on. */
static int rehearse_single(struct launch *l)
{
	struct deadline now = deadline_in(0);
	struct config config = *l->config;
	struct rehearsal *r = l->rehearsal;
	struct error err = {0};
	int rc;

	config.idmap = IDMAP_SINGLE;
	rc = idmap_prepare(&config, &now, -1, &l->prepared.map, &err);
	if (rc < 0)
		return 0;
	namespaces_end_processes(l);
	namespaces_undo_mappers(l);
	namespaces_undo(l);
	for (size_t i = 0; i < ARRAY_SIZE(of_maps); i++)
		r->maps[i] = r->of[of_maps[i]];
	r->second = true;
	for (int i = STAGE_MIDDLE; i < STAGE_COUNT_; i++)
		if (i <= STAGE_MAPPERS || i == STAGE_IDMAP || i == STAGE_AWAIT_MAPS ||
		    r->of[i].depends != STAGE_NONE)
			r->of[i] = (struct outcome){0};
	r->of[STAGE_RANGES].rc = 0;
	return stages_run(l, SIDE_LAUNCHER, &err);
}

/* Verify the helper, also if it could not be started, and record its version. */
static void verify_helper(struct launch *l)
{
	struct rehearsal *r = l->rehearsal;

	if (!l->net.driver)
		return;
	stage_try(l, connect_verify_net, STEP_NET, &r->verified);
	(void)str_print(r->helper, sizeof(r->helper), "%s%s%s", l->net.driver->name,
			*l->net.version ? " " : "", l->net.version);
}

int rehearse(struct launch *l)
{
	struct rehearsal *r = l->rehearsal;
	struct error err = {0};
	int rc = stages_run(l, SIDE_LAUNCHER, &err);

	if (!failed(r, STAGE_RANGES)) {
		r->uids = idmap_count(&l->prepared.map.uid);
		r->gids = idmap_count(&l->prepared.map.gid);
	}
	if (rc != -ECANCELED && l->config->idmap != IDMAP_SINGLE &&
	    (failed(r, STAGE_RANGES) || failed(r, STAGE_MAPPERS) || failed(r, STAGE_IDMAP)))
		rc = rehearse_single(l);
	if (rc != -ECANCELED)
		verify_helper(l);
	stages_undo(l);
	free(l->prepared.wanted_state);
	return rc == -ECANCELED ? rc : 0;
}

void outcome_arrived(struct outcome *outcome)
{
	/* MAX_ERRNO of the kernel's include/linux/err.h */
	if (outcome->rc < -4095 || outcome->rc > 0)
		outcome->rc = -EIO;
	if (outcome->rc < 0)
		(void)err_check_received(&outcome->err);
	if ((unsigned)outcome->depends >= STAGE_COUNT_)
		outcome->depends = STAGE_NONE;
	outcome->note[sizeof(outcome->note) - 1] = '\0';
}

static void rehearsal_arrived(struct rehearsal *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(r->of); i++)
		outcome_arrived(&r->of[i]);
	for (size_t i = 0; i < ARRAY_SIZE(r->ports); i++)
		outcome_arrived(&r->ports[i]);
	outcome_arrived(&r->verified);
	r->helper[sizeof(r->helper) - 1] = '\0';
	r->scratch[sizeof(r->scratch) - 1] = '\0';
}

void rehearse_conclude(const struct launch *l)
{
	struct rehearsal *r = l->rehearsal;

	/* Here, not in rehearse_single(): the process that runs it may die. */
	for (size_t i = 0; i < ARRAY_SIZE(of_maps) && r->second; i++)
		r->of[of_maps[i]] = r->maps[i];
	rehearsal_arrived(r);
	for (int i = STAGE_NONE + 1; i < STAGE_COUNT_; i++) {
		struct outcome *outcome = &l->rehearsal->of[i];

		if (!outcome->tried && !outcome->unwanted)
			outcome->depends = stage_blocked_by(l, &l->stages[i]);
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * This file has the table of the launch: each row is a stage, with the process that runs it, in the
 * order in time. Checks that need no child come first, so that a missing range or program is
 * reported before anything is started. The launcher, the middle process and the child each walk
 * their own rows. Inside the rows they wait for each other's messages (handshake.h). Rows that need
 * no child run while programs write the id maps.
 *
 * All waits have deadlines, and end when a terminating signal is pending. After a failure, as after
 * the target's exit, the launcher's rows are undone in reverse order.
 */
#include "fauxroot/launch/launcher.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "loop.h"
#include "naming.h"
#include "netaccel.h"
#include "child.h"
#include "connect.h"
#include "etc.h"
#include "events.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/title.h"
#include "fauxroot/supervise/notify.h"
#include "fauxroot/supervise/terminal.h"
#include "launch.h"
#include "middle.h"
#include "namespaces.h"
#include "prepare.h"
#include "rehearsal.h"
#include "serve.h"
#include "stage.h"

/* The time that a cancelled rehearsal gets to clean up. */
#define CANCEL_MS 10000

/* Undo the event loop's part, before the objects of its events are freed. */
static void undo_loop(struct launch *l)
{
	namespaces_end_processes(l);
	notify_close(l->prepared.notify);
	l->prepared.notify = NULL;
	loop_clear(l);
}

static const struct stage stages[STAGE_COUNT_] = {
	[STAGE_RANGES] = {"subordinate ids", .run = prepare_ranges},
	[STAGE_HELPER] = {"network helper", .run = prepare_helper},
	[STAGE_PORT_OPTIONS] = {"published ports", .run = prepare_port_options},
	[STAGE_STATEDIR] = {"state directory", .run = prepare_statedir,
			    .undo = prepare_undo_statedir, .traces = TRACE_FILES,
			    .rehearse = rehearse_statedir},
	[STAGE_SCRATCH] = {"scratch directory", .rehearse = rehearse_scratch,
			   .traces = TRACE_FILES},
	[STAGE_NAME] = {"name", .option = config_has_name, .step = STEP_STATEDIR,
			.run = prepare_name, .rehearse = prepare_rehearse_name,
			.traces = TRACE_INSTANCES},
	[STAGE_CGROUP] = {"cgroup", .option = config_evacuates, .run = prepare_cgroup,
			  .undo = prepare_undo_cgroup, .rehearse = rehearse_cgroup},
	[STAGE_NOTIFY] = {"NOTIFY_SOCKET", .run = prepare_notify, .traces = TRACE_FILES,
			  .needs = {STAGE_SCRATCH}},
	[STAGE_ETC_FILES] = {"resolv.conf and hosts", .run = prepare_etc_files,
			     .traces = TRACE_FILES, .needs = {STAGE_SCRATCH, STAGE_HELPER}},

	[STAGE_MIDDLE] = {"middle process", .run = namespaces_clone_middle, .undo = namespaces_undo,
			  .traces = TRACE_PROCESSES, .needs = {STAGE_RANGES}},
	[STAGE_MAPPERS] = {"newuidmap and newgidmap", .run = namespaces_start_mappers,
			   .undo = namespaces_undo_mappers, .traces = TRACE_PROCESSES,
			   .needs = {STAGE_MIDDLE}},
	[STAGE_NET_PREPARE] = {"network preparation", .run = connect_prepare_net,
			       .undo = connect_stop_net, .meanwhile = true,
			       .needs = {STAGE_HELPER}},
	[STAGE_API] = {"API", .run = serve_start, .undo = serve_stop, .meanwhile = true,
		       .traces = TRACE_FILES, .needs = {STAGE_SCRATCH}},
	[STAGE_IDMAP] = {"id map", .run = namespaces_await_map, .needs = {STAGE_MAPPERS}},
	[STAGE_AWAIT_MAPS] = {"middle process's start", SIDE_MIDDLE, .run = middle_await_maps,
			      .needs = {STAGE_MIDDLE}},
	[STAGE_CLONE] = {"clone", SIDE_MIDDLE, STEP_CLONE, .run = middle_clone_child,
			 .traces = TRACE_PROCESSES, .needs = {STAGE_AWAIT_MAPS, STAGE_IDMAP}},
	[STAGE_CHILD] = {"child", .step = STEP_CLONE, .run = namespaces_take_child,
			 .needs = {STAGE_IDMAP}},
	[STAGE_EVACUATION] = {"evacuation", .option = config_evacuates, .run = namespaces_evacuate,
			      .traces = TRACE_CGROUPS, .rehearse = rehearse_evacuation,
			      .needs = {STAGE_CHILD, STAGE_CGROUP}},
	[STAGE_NETNS] = {"network namespace", SIDE_CHILD, .option = config_owns_net,
			 .run = child_make_netns, .needs = {STAGE_CHILD}},
	[STAGE_NAMESPACES] = {"namespaces", .run = namespaces_pin, .needs = {STAGE_CHILD}},
	[STAGE_DETACH] = {"detached network", .option = config_detaches_net,
			  .run = namespaces_detach_net, .needs = {STAGE_NAMESPACES}},
	[STAGE_CHILD_MAP] = {"child's id map", SIDE_MIDDLE, .run = middle_map_child,
			     .needs = {STAGE_CLONE}},
	[STAGE_CHILD_MAPPED] = {"end of the child's id map", .step = STEP_CLONE,
				.run = namespaces_await_child_map, .needs = {STAGE_CHILD}},
	[STAGE_LET_MOUNT] = {"start of the mounts", .run = namespaces_let_mount,
			     .needs = {STAGE_CHILD_MAPPED, STAGE_NAMESPACES}},

	[STAGE_ROOT] = {"root", SIDE_CHILD, .run = child_become_root,
			.needs = {STAGE_NETNS, STAGE_LET_MOUNT}},
	[STAGE_SELF] = {"executable", SIDE_CHILD, .option = config_has_pidns,
			.run = child_open_self, .needs = {STAGE_ROOT}},
	[STAGE_PROPAGATION] = {"propagation", SIDE_CHILD, STEP_MOUNT, .run = child_set_propagation,
			       .traces = TRACE_MOUNTS, .rehearse = rehearse_propagation,
			       .needs = {STAGE_ROOT}},
	[STAGE_PROC] = {"/proc", SIDE_CHILD, STEP_MOUNT, .option = config_has_pidns,
			.run = child_mount_proc, .traces = TRACE_MOUNTS,
			.needs = {STAGE_PROPAGATION}},
	[STAGE_SYS] = {"/sys", SIDE_CHILD, STEP_MOUNT, .option = config_owns_net,
		       .run = child_mount_sys, .traces = TRACE_MOUNTS,
		       .needs = {STAGE_PROPAGATION}},
	[STAGE_CGROUPFS] = {"cgroup2", SIDE_CHILD, STEP_MOUNT, .option = config_evacuates,
			    .run = child_mount_cgroupfs, .traces = TRACE_MOUNTS,
			    .needs = {STAGE_PROPAGATION}},
	[STAGE_NETNS_FILE] = {"netns", SIDE_CHILD, STEP_MOUNT, .option = config_detaches_net,
			      .run = child_bind_netns, .traces = TRACE_MOUNTS,
			      .needs = {STAGE_PROPAGATION, STAGE_DETACH, STAGE_ETC_FILES}},
	[STAGE_ETC_OPENED] = {"files for /etc", SIDE_CHILD, STEP_MOUNT, .wanted = connect_has_etc,
			      .run = child_open_etc, .needs = {STAGE_PROPAGATION, STAGE_ETC_FILES}},
	[STAGE_COPY_UP] = {"copy-up", SIDE_CHILD, STEP_MOUNT, .option = config_copies_up,
			   .run = child_copy_up, .traces = TRACE_MOUNTS | TRACE_FILES,
			   .rehearse = rehearse_copy_up, .needs = {STAGE_PROPAGATION}},
	[STAGE_ETC_BOUND] = {"files of /etc", SIDE_CHILD, STEP_MOUNT, .wanted = connect_has_etc,
			     .run = child_bind_etc, .traces = TRACE_MOUNTS | TRACE_FILES,
			     .needs = {STAGE_ETC_OPENED, STAGE_COPY_UP}},
	[STAGE_ETC_SENT] = {"descriptors of /etc", SIDE_CHILD, STEP_MOUNT,
			    .wanted = connect_has_etc, .run = child_send_etc,
			    .needs = {STAGE_PROPAGATION, STAGE_ETC_FILES}},
	[STAGE_WORKDIR] = {"working directory", SIDE_CHILD, STEP_OPTIONS,
			   .option = config_has_workdir, .run = child_enter_workdir,
			   .needs = {STAGE_PROPAGATION, STAGE_COPY_UP}},
	[STAGE_ACCEL_FILTER] = {"filter of --net-accel", SIDE_CHILD, STEP_NET,
				.option = config_has_accel, .run = netaccel_install,
				.needs = {STAGE_NETNS, STAGE_ROOT}},
	[STAGE_ACCEL_SENT] = {"descriptors of --net-accel", SIDE_CHILD, STEP_NET,
			      .option = config_has_accel, .run = netaccel_send,
			      .needs = {STAGE_PROPAGATION}},
	[STAGE_MOUNTED] = {"report of the mounts", SIDE_CHILD, .run = child_report_mounted,
			   .needs = {STAGE_PROPAGATION}},
	[STAGE_NET_START] = {"network", .run = connect_start_net, .undo = connect_kill_net,
			     .traces = TRACE_PROCESSES,
			     .needs = {STAGE_NET_PREPARE, STAGE_LET_MOUNT, STAGE_DETACH}},
	[STAGE_NAMES] = {"name service", .step = STEP_NET, .wanted = naming_wanted,
			 .run = naming_start, .undo = naming_stop, .needs = {STAGE_NET_START}},
	[STAGE_ETC_RECEIVED] = {"watch on /etc", .wanted = connect_has_etc, .run = etc_receive,
				.needs = {STAGE_LET_MOUNT, STAGE_ETC_FILES}},
	[STAGE_ACCEL_RECEIVED] = {"receipt for --net-accel", .option = config_has_accel,
				  .run = netaccel_receive, .needs = {STAGE_LET_MOUNT}},
	[STAGE_MOUNTS] = {"mounts", .run = connect_await_mounts,
			  .needs = {STAGE_LET_MOUNT, STAGE_ETC_RECEIVED}},
	[STAGE_NET_READY] = {"network's readiness", .run = connect_await_net,
			     .needs = {STAGE_NET_START}},

	[STAGE_ACCEL] = {"network acceleration", .option = config_has_accel, .run = netaccel_start,
			 .undo = netaccel_stop, .traces = TRACE_PROCESSES,
			 .needs = {STAGE_NET_READY, STAGE_ACCEL_RECEIVED, STAGE_ACCEL_FILTER}},
	[STAGE_PORT_DRIVER] = {"port driver", .run = connect_start_ports,
			       .undo = connect_stop_ports, .traces = TRACE_PROCESSES | TRACE_PORTS,
			       .rehearse = rehearse_port_driver,
			       .needs = {STAGE_NET_READY, STAGE_PORT_OPTIONS, STAGE_SCRATCH}},
	[STAGE_PORTS] = {"ports", .run = connect_publish, .traces = TRACE_PORTS,
			 .rehearse = rehearse_ports},
	[STAGE_HOST_PORTS] = {"services of the host", .wanted = connect_has_host_ports,
			      .run = connect_host_ports, .undo = connect_stop_host_ports,
			      .traces = TRACE_PROCESSES,
			      .needs = {STAGE_NET_READY, STAGE_PORT_OPTIONS}},
	[STAGE_CHILD_PID] = {"child_pid", .run = connect_write_child_pid, .traces = TRACE_FILES,
			     .needs = {STAGE_SCRATCH, STAGE_CHILD}},
	[STAGE_GO] = {"go", .run = connect_go, .needs = {STAGE_MOUNTS}},
	[STAGE_ANNOUNCE] = {"list of instances", .run = connect_announce, .traces = TRACE_INSTANCES,
			    .rehearse = rehearse_nothing},
	[STAGE_ENVIRONMENT] = {"environment", SIDE_CHILD, .run = child_set_environment,
			       .needs = {STAGE_MOUNTED, STAGE_GO, STAGE_SCRATCH}},
	[STAGE_COMMAND] = {"command", SIDE_CHILD, .option = config_has_command,
			   .run = child_execute, .traces = TRACE_PROCESSES,
			   .rehearse = rehearse_command,
			   .needs = {STAGE_ENVIRONMENT, STAGE_WORKDIR, STAGE_COPY_UP}},
	[STAGE_ENDED] = {"end", .undo = undo_loop, .rehearse = rehearse_end, .needs = {STAGE_GO}},
};

const char *launch_stage_name(enum launch_stage stage)
{
	return stages[stage].name;
}

unsigned launch_stage_traces(enum launch_stage stage)
{
	return stages[stage].traces;
}

/* On the heap, because all our forks copy the stack: the id map alone has 8 KiB. Returns NULL if
 * out of memory. */
static struct launch *new_launch(const struct config *config, const struct signals *signals)
{
	struct launch *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	*l = (struct launch){
		.config = config,
		.signals = signals,
		.stages = stages,
		.launcher = {.pid = getpid(), .euid = geteuid(), .egid = getegid()},
		.in_middle = {.sock = -1, .child = PROCESS_NONE},
		.in_child = {.sock = -1,
			     .reports = -1,
			     .netns = -1,
			     .self = -1,
			     .files = ETCFILES_NONE,
			     .accel = ACCEL_KIT_NONE},
		.prepared = {.state = STATEDIR_NONE,
			     .link = INSTANCE_LINK_NONE,
			     .cgroup = CGROUP2_NONE},
		.cloned = {.middle = NS_HOLDER_NONE,
			   .child = PROCESS_NONE,
			   .ns = NS_SET_NONE,
			   .target_ns = NS_SET_NONE,
			   .sock = -1,
			   .reported = REPORTED_NONE},
		.ports = PORTS_NONE,
		.host_ports = PORTS_NONE,
		.accel = {.kit = ACCEL_KIT_NONE},
		.etc = ETCFOLLOW_NONE,
	};

	for (size_t i = 0; i < ARRAY_SIZE(l->cloned.mappers.mappers); i++)
		l->cloned.mappers.mappers[i] = HELPER_NONE;
	return l;
}

int launcher_run(const struct config *config, const struct signals *signals, bool activated,
		 const struct launch_hooks *hooks, int *ret_status, struct error *err)
{
	_cleanup_free_ struct launch *l = new_launch(config, signals);
	int rc;

	if (!l)
		return err_set(err, ENOMEM, "preparing the launch");
	l->launcher.activated = activated;
	l->hooks = hooks;
	children_open(&l->children);
	rc = stages_run(l, SIDE_LAUNCHER, err);
	if (rc == 0) {
		rc = loop_run(l, err);
		events_exit(l, rc, err);
	}
	if (rc == 0)
		*ret_status = l->loop.status;
	stages_undo(l);
	children_close(&l->children);
	if (config->pidns)
		terminal_take_back();
	return rc;
}

/* In the temporary process. SIGTERM, also after the launcher's death, lets it clean up and exit.
 * The caller may ignore SIGTERM, so this process has signalfds of its own. */
_noreturn_ static void run_rehearsal(struct launch *l, pid_t parent)
{
	const struct sigaction by_default = {.sa_handler = SIG_DFL};
	struct signals signals, inherited = *l->signals;
	struct error err;

	title_set("fauxroot: check");
	l->launcher.pid = getpid();
	(void)sigaction(SIGTERM, &by_default, NULL);
	if (signals_block(&signals, &err) == 0) {
		signals.caller_mask = inherited.caller_mask;
		/* This process exits before the function returns. */
		/* cppcheck-suppress autoVariables */
		l->signals = &signals;
		/* A launch has no more descriptors than its rehearsal. */
		signals_close(&inherited);
	}
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() == parent)
		(void)rehearse(l);
	_exit(0);
}

/* The rehearsal has crashed, or a library has called exit(3): record that for the stages in
 * progress. */
static void note_death(struct launch *l, int status)
{
	char how[64];

	process_status_text(status, how, sizeof(how));
	for (int i = STAGE_NONE + 1; i < STAGE_COUNT_; i++) {
		struct outcome *outcome = &l->rehearsal->of[i];

		if (!outcome->begun || outcome->tried || stages[i].side != SIDE_LAUNCHER)
			continue;
		outcome->rc = err_say(&outcome->err, EIO, "%s: the rehearsal died: %s",
				      stages[i].name, how);
		outcome->tried = true;
	}
}

/* A rehearsal that was killed leaves its state directory. Its forks die with it, and hold the lock
 * until then. */
static void remove_scratch(struct rehearsal *r)
{
	r->scratch[sizeof(r->scratch) - 1] = '\0';
	statedir_sweep(r->scratch, CANCEL_MS);
}

/* Wait until the rehearsal exits; after a signal terminate it. Returns 0, -ECANCELED or -errno. */
static int await_rehearsal(struct launch *l, struct process *process)
{
	struct deadline deadline;
	int status = 0, rc = process_wait(process, NULL, l->signals->cancel, &status);
	bool killed = false;

	if (rc < 0) {
		deadline = deadline_in(CANCEL_MS);
		process_signal(process, SIGTERM);
		killed = process_wait(process, &deadline, -1, &status) < 0;
		process_kill(process);
	}
	if (status != 0)
		note_death(l, status);
	if (status != 0 || killed)
		remove_scratch(l->rehearsal);
	return rc;
}

int launcher_rehearse(const struct config *config, const struct signals *signals,
		      struct rehearsal *r)
{
	_cleanup_free_ struct launch *l = new_launch(config, signals);
	struct process process = PROCESS_NONE;
	struct outcome *first = &r->of[STAGE_MIDDLE];
	pid_t parent = getpid();
	int rc;

	if (!l)
		return -ENOMEM;
	l->rehearsal = r;
	rc = process_fork("the rehearsal", &process, &first->err);
	if (rc == 0)
		run_rehearsal(l, parent);
	if (rc > 0) {
		rc = await_rehearsal(l, &process);
	} else {
		/* A launch would fail in the same way at its first clone. */
		first->rc = err_step(&first->err, rc, STEP_CLONE);
		first->tried = true;
	}
	rehearse_conclude(l);
	return rc == -ECANCELED ? rc : 0;
}

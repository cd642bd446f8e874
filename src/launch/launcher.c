/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The table of the launch: what is done, by which process, in the order in time. What can be known
 * in advance is looked at first, so that a missing range or program is reported before anything has
 * started. The launcher, the middle process and the child each walk their own rows, and wait for
 * each other by messages (handshake.h) within them. A row that needs no child goes on beside the
 * programs that write the id maps.
 *
 * The waits of the launch have deadlines, and end when a terminating signal is pending. Whatever
 * fails, the launcher's rows are undone in the reverse order.
 */
#include "fauxroot/launch/launcher.h"

#include <unistd.h>

#include "child.h"
#include "connect.h"
#include "fauxroot/supervise/notify.h"
#include "fauxroot/supervise/terminal.h"
#include "launch.h"
#include "middle.h"
#include "namespaces.h"
#include "prepare.h"
#include "stage.h"

static bool with_pidns(const struct launch *l)
{
	return l->config->pidns;
}

static bool with_evacuation(const struct launch *l)
{
	return l->config->evacuate_cgroup2;
}

static bool with_name(const struct launch *l)
{
	return l->config->name;
}

static bool with_workdir(const struct launch *l)
{
	return l->config->workdir;
}

static bool with_copy_up(const struct launch *l)
{
	return l->config->copy_up.n > 0;
}

/* The loop's part of taking down, before what its events are about. */
static void undo_loop(struct launch *l)
{
	namespaces_end_processes(l);
	notify_close(l->notify);
	l->notify = NULL;
	loop_clear(l);
}

static const struct stage stages[STAGE_COUNT_] = {
	[STAGE_RANGES] = {"subordinate ids", .run = prepare_ranges},
	[STAGE_HELPER] = {"network helper", .run = prepare_helper},
	[STAGE_PORT_OPTIONS] = {"published ports", .run = prepare_port_options},
	[STAGE_STATEDIR] = {"state directory", .run = prepare_statedir,
			    .undo = prepare_undo_statedir, .traces = TRACE_FILES},
	[STAGE_NAME] = {"name", .wanted = with_name, .step = STEP_STATEDIR, .run = prepare_name,
			.rehearse = prepare_rehearse_name, .traces = TRACE_INSTANCES},
	[STAGE_CGROUP] = {"cgroup", .wanted = with_evacuation, .run = prepare_cgroup,
			  .undo = prepare_undo_cgroup},
	[STAGE_NOTIFY] = {"NOTIFY_SOCKET", .run = prepare_notify, .traces = TRACE_FILES},
	[STAGE_ETC_FILES] = {"resolv.conf and hosts", .run = prepare_etc_files,
			     .traces = TRACE_FILES},

	[STAGE_MIDDLE] = {"middle process", .run = namespaces_clone_middle, .undo = namespaces_undo,
			  .traces = TRACE_PROCESSES},
	[STAGE_MAPPERS] = {"newuidmap and newgidmap", .run = namespaces_start_mappers,
			   .undo = namespaces_undo_mappers, .traces = TRACE_PROCESSES},
	[STAGE_NET_PREPARE] = {"network preparation", .run = connect_prepare_net,
			       .undo = connect_stop_net, .meanwhile = true},
	[STAGE_API] = {"API", .run = serve_start, .undo = serve_stop, .meanwhile = true,
		       .traces = TRACE_FILES},
	[STAGE_IDMAP] = {"id map", .run = namespaces_await_map},
	[STAGE_AWAIT_MAPS] = {"middle process's start", SIDE_MIDDLE, .run = middle_await_maps},
	[STAGE_CLONE] = {"clone", SIDE_MIDDLE, STEP_CLONE, .run = middle_clone_child,
			 .traces = TRACE_PROCESSES},
	[STAGE_CHILD] = {"child", .step = STEP_CLONE, .run = namespaces_take_child},
	[STAGE_EVACUATION] = {"evacuation", .wanted = with_evacuation, .run = namespaces_evacuate,
			      .traces = TRACE_CGROUPS},
	[STAGE_NETNS] = {"network namespace", SIDE_CHILD, .wanted = namespaces_own_net,
			 .run = child_make_netns},
	[STAGE_NAMESPACES] = {"namespaces", .run = namespaces_pin},
	[STAGE_DETACH] = {"detached network", .wanted = namespaces_detached,
			  .run = namespaces_detach_net},
	[STAGE_CHILD_MAP] = {"child's id map", SIDE_MIDDLE, .run = middle_map_child},
	[STAGE_CHILD_MAPPED] = {"end of the child's id map", .step = STEP_CLONE,
				.run = namespaces_await_child_map},
	[STAGE_LET_MOUNT] = {"start of the mounts", .run = namespaces_let_mount},

	[STAGE_ROOT] = {"root", SIDE_CHILD, .run = child_become_root},
	[STAGE_SELF] = {"executable", SIDE_CHILD, .wanted = with_pidns, .run = child_open_self},
	[STAGE_PROPAGATION] = {"propagation", SIDE_CHILD, STEP_MOUNT, .run = child_set_propagation,
			       .traces = TRACE_MOUNTS},
	[STAGE_PROC] = {"/proc", SIDE_CHILD, STEP_MOUNT, .wanted = with_pidns,
			.run = child_mount_proc, .traces = TRACE_MOUNTS},
	[STAGE_SYS] = {"/sys", SIDE_CHILD, STEP_MOUNT, .wanted = namespaces_own_net,
		       .run = child_mount_sys, .traces = TRACE_MOUNTS},
	[STAGE_CGROUPFS] = {"cgroup2", SIDE_CHILD, STEP_MOUNT, .wanted = with_evacuation,
			    .run = child_mount_cgroupfs, .traces = TRACE_MOUNTS},
	[STAGE_NETNS_FILE] = {"netns", SIDE_CHILD, STEP_MOUNT, .wanted = namespaces_detached,
			      .run = child_bind_netns, .traces = TRACE_MOUNTS},
	[STAGE_ETC_HELD] = {"files for /etc", SIDE_CHILD, STEP_MOUNT, .wanted = connect_has_etc,
			    .run = child_hold_etc},
	[STAGE_COPY_UP] = {"copy-up", SIDE_CHILD, STEP_MOUNT, .wanted = with_copy_up,
			   .run = child_copy_up, .traces = TRACE_MOUNTS | TRACE_FILES},
	[STAGE_ETC_BOUND] = {"files of /etc", SIDE_CHILD, STEP_MOUNT, .wanted = connect_has_etc,
			     .run = child_bind_etc, .traces = TRACE_MOUNTS | TRACE_FILES},
	[STAGE_ETC_SENT] = {"descriptors of /etc", SIDE_CHILD, STEP_MOUNT,
			    .wanted = connect_has_etc, .run = child_send_etc},
	[STAGE_WORKDIR] = {"working directory", SIDE_CHILD, STEP_OPTIONS, .wanted = with_workdir,
			   .run = child_enter_workdir},
	[STAGE_MOUNTED] = {"report of the mounts", SIDE_CHILD, .run = child_report_mounted},
	[STAGE_NET_START] = {"network", .run = connect_start_net, .undo = connect_kill_net,
			     .traces = TRACE_PROCESSES},
	[STAGE_ETC_TAKEN] = {"watch on /etc", .wanted = connect_has_etc, .run = etc_take},
	[STAGE_MOUNTS] = {"mounts", .run = connect_await_mounts},
	[STAGE_NET_READY] = {"network's readiness", .run = connect_await_net},

	[STAGE_PORT_DRIVER] = {"port driver", .run = connect_start_ports,
			       .undo = connect_stop_ports, .traces = TRACE_PROCESSES | TRACE_PORTS},
	[STAGE_PORTS] = {"ports", .run = connect_publish, .traces = TRACE_PORTS},
	[STAGE_CHILD_PID] = {"child_pid", .run = connect_write_child_pid, .traces = TRACE_FILES},
	[STAGE_GO] = {"go", .run = connect_go},
	[STAGE_ANNOUNCE] = {"list of instances", .run = connect_announce,
			    .traces = TRACE_INSTANCES},
	[STAGE_ENVIRONMENT] = {"environment", SIDE_CHILD, .run = child_set_environment},
	[STAGE_COMMAND] = {"command", SIDE_CHILD, .run = child_execute, .traces = TRACE_PROCESSES},
	[STAGE_ENDED] = {"end", .undo = undo_loop},
};

const char *launch_stage_name(enum launch_stage stage)
{
	return stages[stage].name;
}

unsigned launch_stage_traces(enum launch_stage stage)
{
	return stages[stage].traces;
}

int launcher_run(const struct config *config, const struct signals *signals, bool activated,
		 const struct launch_hooks *hooks, int *ret_status, struct error *err)
{
	struct launch l = {
		.config = config,
		.signals = signals,
		.activated = activated,
		.hooks = hooks,
		.stages = stages,
		.launcher = getpid(),
		.euid = geteuid(),
		.egid = getegid(),
		.in_middle = {.sock = -1, .child = PROCESS_NONE},
		.in_child = {.sock = -1,
			     .reports = -1,
			     .netns = -1,
			     .self = -1,
			     .files = ETCFILES_NONE},
		.mappers = {.mappers = {HELPER_NONE, HELPER_NONE}},
		.state = STATEDIR_NONE,
		.link = INSTANCE_LINK_NONE,
		.ports = PORTS_NONE,
		.cgroup = CGROUP2_NONE,
		.middle = NS_HOLDER_NONE,
		.child = PROCESS_NONE,
		.target = PROCESS_NONE,
		.ns = NS_SET_NONE,
		.target_ns = NS_SET_NONE,
		.sock = -1,
		.reports = -1,
		.etc_watch = -1,
		.etc = ETCFILES_NONE,
	};
	int rc = stages_run(&l, SIDE_LAUNCHER, err);

	if (rc == 0)
		rc = loop_run(&l, err);
	if (rc == 0)
		*ret_status = l.status;
	stages_undo(&l);
	if (config->pidns)
		terminal_take_back();
	return rc;
}

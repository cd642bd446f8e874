/* SPDX-License-Identifier: Apache-2.0 */
/* For test_launch_rehearsal.c: a fault for each stage of a launch, or the reason for having none.
 */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/base/str.h"
#include "fauxroot/config/config.h"
#include "fauxroot/launch/rehearse.h"

static char dir[] = "/tmp/rehearsal.XXXXXX"; /* XDG_RUNTIME_DIR */
static int taken;			     /* a socket that listens */
static char taken_spec[64];

/* Shared memory of the processes of one case. */
struct result {
	int rc; /* of the launch */
	struct error err;
	struct rehearsal rehearsal;
};

#define MAX_CALLS 3

/* A system call that fails with @errnum if the bits @mask of its argument number @arg are as in
 * @value; arg -1: always. */
struct call {
	int number;
	int errnum;
	int arg;
	uint64_t mask, value;
};

struct fault {
	enum launch_stage stage; /* the first failed stage */
	void (*arrange)(struct config *config);
	struct call calls[MAX_CALLS];
	bool unless_direct; /* not if we write id maps ourselves */
};

static void write_file(const char *name, mode_t mode, const char *text)
{
	_cleanup_free_ char *path = str_format("%s/%s", dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
	assert_int_equal(fchmod(fd, mode), 0);
	fd_close(fd);
}

/* Freed by tear_down(). */
static char *paths[64];
static size_t n_paths;

static const char *in_dir(const char *name)
{
	assert_true(n_paths < ARRAY_SIZE(paths));
	paths[n_paths] = str_format("%s/%s", dir, name);
	assert_non_null(paths[n_paths]);
	return paths[n_paths++];
}

/*
 * The options of each case.
 */

static void plain(struct config *config)
{
	(void)config;
}

static void without_getsubids(struct config *config)
{
	config->idmap = IDMAP_AUTO;
	config->subid_source = SUBID_DYNAMIC;
	setenv("GETSUBIDS", "/nosuch/getsubids", 1);
}

static void with_refusing_mappers(struct config *config)
{
	config->idmap = IDMAP_AUTO;
	config->subid_source = SUBID_DYNAMIC;
	setenv("GETSUBIDS", in_dir("bin/getsubids"), 1);
	setenv("PATH", in_dir("bin"), 1);
}

static void with_slirp(struct config *config)
{
	config->net = NET_SLIRP4NETNS;
}

static void with_accel(struct config *config)
{
	with_slirp(config);
	config->net_accel = NET_ACCEL_SWITCH;
}

static void with_absent_slirp(struct config *config)
{
	with_slirp(config);
	config->slirp4netns.binary = "/nosuch/slirp4netns";
}

static void with_dying_slirp(struct config *config)
{
	with_slirp(config);
	config->slirp4netns.binary = in_dir("bin/dying");
}

static void with_bad_port(struct config *config)
{
	config->net = NET_NONE;
	config->port_driver = PORT_BUILTIN;
	assert_int_equal(strv_add(&config->publish, "127.0.0.1:nonsense"), 0);
}

static void with_port_driver(struct config *config)
{
	config->net = NET_NONE;
	config->port_driver = PORT_BUILTIN;
}

static void with_taken_port(struct config *config)
{
	with_port_driver(config);
	assert_int_equal(strv_add(&config->publish, taken_spec), 0);
}

/* The options have been checked one by one, not against each other. */
static void with_conflicting_services(struct config *config)
{
	with_slirp(config);
	assert_int_equal(strv_add(&config->forward_host, "1234:1"), 0);
	assert_int_equal(strv_add(&config->forward_host, "1234:2"), 0);
}

static void with_bad_state_dir(struct config *config)
{
	config->state_dir = "/dev/null/state";
}

static void with_evacuation(struct config *config)
{
	config->evacuate_cgroup2 = "rehearsal";
	config->pidns = config->cgroupns = true;
}

static void with_manager(struct config *config)
{
	(void)config;
	setenv("NOTIFY_SOCKET", "/run/systemd/notify", 1);
}

static void with_name(struct config *config)
{
	config->name = "rehearsal";
	unsetenv("XDG_RUNTIME_DIR");
}

static void with_net_none(struct config *config)
{
	config->net = NET_NONE;
}

static void with_detached_net(struct config *config)
{
	config->net = NET_NONE;
	config->detach_netns = true;
}

static void with_pidns(struct config *config)
{
	config->pidns = true;
}

static void with_absent_copy_up(struct config *config)
{
	assert_int_equal(strv_add(&config->copy_up, "/nosuch/directory"), 0);
}

static void with_absent_workdir(struct config *config)
{
	config->workdir = "/nosuch/directory";
}

static void with_absent_command(struct config *config)
{
	static char word[] = "/nosuch/command", *command[] = {word, NULL};

	config->command = command;
}

#define ALWAYS(call, errnum)                       \
	{                                          \
		SCMP_SYS(call), (errnum), -1, 0, 0 \
	}
#define WITH(call, errnum, arg, bits)                           \
	{                                                       \
		SCMP_SYS(call), (errnum), (arg), (bits), (bits) \
	}

/* A map is written in one write(2): "0 1001 1\n" for the middle namespace, "0 0 1\n" below it. */
static struct call map_of_middle = {SCMP_SYS(write), EPERM, 2, UINT64_MAX, 0};

#define NONE .calls = {ALWAYS(read, 0)}

static const struct fault faults[] = {
	{STAGE_RANGES, without_getsubids, NONE},
	{STAGE_HELPER, with_absent_slirp, NONE},
	{STAGE_PORT_OPTIONS, with_bad_port, NONE},
	{STAGE_STATEDIR, with_bad_state_dir, NONE},
	{STAGE_NAME, with_name, NONE},
	{STAGE_CGROUP, with_evacuation,
	 .calls = {{SCMP_SYS(faccessat), EACCES, 2, UINT64_MAX, W_OK},
		   {SCMP_SYS(faccessat2), EACCES, 2, UINT64_MAX, W_OK}}},
	{STAGE_NOTIFY, with_manager, .calls = {{SCMP_SYS(socket), EACCES, 1, 0xf, SOCK_DGRAM}}},
	{STAGE_ETC_FILES, with_slirp,
	 .calls = {ALWAYS(rename, EIO), ALWAYS(renameat, EIO), ALWAYS(renameat2, EIO)}},
	{STAGE_ETC_FILES, with_slirp, .calls = {ALWAYS(memfd_create, EMFILE)}},
	{STAGE_MIDDLE, plain, .calls = {WITH(clone, EPERM, 0, CLONE_NEWUSER)}},
	{STAGE_MAPPERS, plain, NONE},
	{STAGE_API, plain, .calls = {ALWAYS(listen, EPERM)}},
	{STAGE_IDMAP, with_refusing_mappers, .unless_direct = true},
	{STAGE_CLONE, plain, .calls = {WITH(clone, EPERM, 0, CLONE_NEWNS)}},
	{STAGE_NETNS, with_net_none, .calls = {WITH(unshare, EPERM, 0, CLONE_NEWNET)}},
	{STAGE_DETACH, with_detached_net, .calls = {WITH(unshare, EPERM, 0, CLONE_NEWNET)}},
	{STAGE_CHILD_MAP, plain, .calls = {{SCMP_SYS(write), EPERM, 2, UINT64_MAX, 6}},
	 .unless_direct = true},
	{STAGE_ROOT, plain, .calls = {ALWAYS(capset, EPERM)}},
	{STAGE_PROPAGATION, plain, .calls = {WITH(mount, EACCES, 3, MS_REC)}},
	{STAGE_PROC, with_pidns, .calls = {WITH(mount, EPERM, 3, MS_NOEXEC)}},
	{STAGE_NETNS_FILE, with_detached_net,
	 .calls = {ALWAYS(open_tree, EPERM), WITH(mount, EPERM, 3, MS_BIND)}},
	{STAGE_COPY_UP, with_absent_copy_up, NONE},
	{STAGE_WORKDIR, with_absent_workdir, NONE},
	{STAGE_ACCEL_FILTER, with_accel,
	 .calls = {WITH(seccomp, EINVAL, 1, SECCOMP_FILTER_FLAG_NEW_LISTENER)}},
	{STAGE_NET_START, with_slirp, .calls = {WITH(ioctl, EPERM, 1, 0x400454ca)}},
	{STAGE_NAMES, with_slirp, .calls = {ALWAYS(memfd_create, EPERM)}},
	{STAGE_NET_READY, with_dying_slirp, NONE},
	{STAGE_ACCEL, with_accel, .calls = {ALWAYS(pidfd_getfd, EPERM)}},
	{STAGE_PORT_DRIVER, with_port_driver,
	 .calls = {ALWAYS(seccomp, EPERM), {SCMP_SYS(prctl), EPERM, 0, UINT32_MAX, 22}}},
	{STAGE_PORTS, with_taken_port, NONE},
	{STAGE_HOST_PORTS, with_conflicting_services, NONE},
	{STAGE_CHILD_PID, plain,
	 .calls = {ALWAYS(rename, EIO), ALWAYS(renameat, EIO), ALWAYS(renameat2, EIO)}},
	{STAGE_COMMAND, with_absent_command, NONE},
};

/* Reasons for stages without a fault. */
static const char message[] = "it only sends or receives a message";
static const char cgroups[] =
	"tested in root/check_matrix.bats, which moves processes to other cgroups";
static const char room[] = "tested in root/check_matrix.bats with every limit on descriptors";

static const char *const without_fault[STAGE_COUNT_] = {
	[STAGE_SCRATCH] = "a launch does not have this stage",
	[STAGE_NET_PREPARE] = "its failures are only warnings",
	[STAGE_AWAIT_MAPS] = "if it fails, the maps cannot be written",
	[STAGE_CHILD] = message,
	[STAGE_EVACUATION] = cgroups,
	[STAGE_NAMESPACES] = room,
	[STAGE_CHILD_MAPPED] = message,
	[STAGE_LET_MOUNT] = message,
	[STAGE_SELF] = room,
	[STAGE_SYS] = "if the mount fails, the host's /sys stays, with a warning",
	[STAGE_CGROUPFS] = cgroups,
	[STAGE_ETC_OPENED] = room,
	[STAGE_ETC_BOUND] = room,
	[STAGE_ETC_SENT] = message,
	[STAGE_ACCEL_SENT] = message,
	[STAGE_ACCEL_RECEIVED] = message,
	[STAGE_MOUNTED] = message,
	[STAGE_ETC_RECEIVED] = message,
	[STAGE_MOUNTS] = message,
	[STAGE_GO] = message,
	[STAGE_ANNOUNCE] = "its failure does not fail a launch",
	[STAGE_ENVIRONMENT] = "it fails only without memory",
	[STAGE_ENDED] = "a launch does not have this stage",
};

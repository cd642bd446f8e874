/* SPDX-License-Identifier: Apache-2.0 */
/* The table of causes: the state directory, devices, helpers of the network. */
#include "cause.h"

#include <errno.h>

#define STATE  STEP_BIT(STEP_STATEDIR)
#define TUN    STEP_BIT(STEP_TUN)
#define SLIRP  STEP_BIT(STEP_SLIRP)
#define CGROUP STEP_BIT(STEP_CGROUP)

const struct cause causes_of_the_host[] = {
	/* The state directory. */
	{
		.id = "statedir-in-use",
		.steps = STATE,
		.codes = {EBUSY},
		.test = holder_is_known,
		.cause = "a state directory belongs to one instance at a time, and process "
			 "{value} has it",
		.remedy = "another --state-dir; or end that instance: kill {value}",
	},
	{
		.id = "statedir-in-use-by-somebody",
		.steps = STATE,
		.codes = {EBUSY},
		.says = "is in use by",
		.cause = "a state directory belongs to one instance at a time",
		.remedy = "another --state-dir, or end that instance",
	},
	{
		.id = "runtime-dir-foreign",
		.steps = STATE,
		.codes = {EACCES, EPERM, ENOENT, EROFS},
		.test = runtime_dir_is_not_ours,
		.cause = "XDG_RUNTIME_DIR is {value}, as after su or sudo from that user's session",
		.remedy = "a session of its own: machinectl shell {user}@; or ssh "
			  "{user}@localhost; or {have runtime dir}",
	},
	{
		.id = "runtime-dir-gone",
		.steps = STATE,
		.codes = {EACCES, EPERM, ENOENT, EROFS},
		.test = runtime_dir_is_gone,
		.cause = "XDG_RUNTIME_DIR is {value}, which is not there, as after the last "
			 "session of {user} has ended",
		.remedy = "{have runtime dir}; or --state-dir",
	},
	{
		.id = "unit-without-runtime-dir",
		.steps = STATE,
		.codes = {EACCES, EPERM, ENOENT, EROFS},
		.test = unit_has_no_runtime_dir,
		.cause = "this systemd unit has no XDG_RUNTIME_DIR; without it daemons such as "
			 "buildkitd and dockerd use directories that belong to root",
		.remedy = "RuntimeDirectory=fauxroot and Environment=XDG_RUNTIME_DIR=%t/fauxroot "
			  "in the [Service] section",
	},
	{
		.id = "runtime-dir-unset",
		.steps = STATE,
		.codes = {EACCES, EPERM, ENOENT, EROFS},
		.test = runtime_dir_is_unset,
		.arg = "there",
		.cause = "XDG_RUNTIME_DIR is not set, though {path} is there",
		.remedy = "{have runtime dir}",
	},
	{
		.id = "no-runtime-dir",
		.steps = STATE,
		.codes = {EACCES, EPERM, ENOENT, EROFS},
		.test = runtime_dir_is_unset,
		.arg = "missing",
		.cause = "XDG_RUNTIME_DIR is not set and {path} is missing: {user} has no login "
			 "session",
		.remedy = "{have runtime dir}; or --state-dir",
	},
	{
		.id = "statedir-below-foreign",
		.steps = STATE,
		.codes = {EPERM},
		.says = "could replace",
		.test = error_names_path,
		.cause =
			"{path} is another user's, who could put another directory in the place of "
			"the state directory",
		.remedy = "--state-dir={runtime dir}/NAME",
	},
	{
		.id = "statedir-foreign",
		.steps = STATE,
		.codes = {EPERM},
		.says = "belongs to uid",
		.test = error_names_path,
		.cause = "{path} is another user's: a state directory is its user's alone",
		.remedy = "--state-dir={runtime dir}/NAME",
	},
	{
		.id = "statedir-link",
		.steps = STATE,
		.codes = {ELOOP},
		.test = state_dir_is_link,
		.cause = "{path} is a symbolic link, which somebody could turn elsewhere",
		.remedy = "--state-dir={value}",
	},
	{
		.id = "statedir-no-directory",
		.steps = STATE,
		.codes = {ENOTDIR},
		.says = "is not a directory",
		.test = error_names_path,
		.cause = "{path} is a file",
		.remedy = "--state-dir={runtime dir}/NAME",
	},
	{
		/* Its sentence says which. */
		.id = "statedir-precious",
		.steps = STATE,
		.says = "would be emptied",
		.test = error_names_path,
		.cause = "a state directory is emptied at start and removed at the end",
		.remedy = "--state-dir={path}/NAME",
	},
	{
		.id = "statedir-full",
		.steps = STATE | STEP_BIT(STEP_API),
		.codes = {ENOSPC, EDQUOT},
		.test = error_names_place,
		.cause = "the file system of {point} has no room left for us",
		.remedy = "df {point} and df -i {point} show it; make room, or --state-dir on "
			  "another "
			  "file system",
	},
	{
		.id = "statedir-read-only",
		.steps = STATE,
		.codes = {EROFS},
		.test = error_names_place,
		.cause = "{point} is on a file system that is mounted read-only",
		.remedy = "--state-dir={runtime dir}/NAME; for a container docker run --tmpfs /tmp "
			  "…, in "
			  "Kubernetes an emptyDir at /tmp",
	},
	{
		.id = "statedir-closed",
		.steps = STATE,
		.codes = {EACCES, EPERM},
		.test = error_names_place,
		.cause = "{point} belongs to {value}, and {user} may make nothing there",
		.remedy = "--state-dir={runtime dir}/NAME",
	},
	{
		.id = "statedir-path-long",
		.steps = STATE,
		.codes = {ENAMETOOLONG},
		.cause = "the path of a UNIX socket has at most 107 bytes (man 7 unix)",
		.remedy = "a shorter --state-dir",
	},

	/* --copy-up. */
	{
		.id = "copy-up-missing",
		.steps = STEP_BIT(STEP_MOUNT),
		.codes = {ENOENT, ENOTDIR},
		.test = copy_up_is_missing,
		.cause = "there is no {path}",
		.remedy = "without --copy-up={path}; or sudo mkdir -p {path}",
	},
	{
		.id = "copy-up-closed",
		.steps = STEP_BIT(STEP_MOUNT),
		.codes = {EACCES},
		.test = copy_up_is_closed,
		.cause = "{path} belongs to {value}: fake root has no more rights there than "
			 "{user}, and cannot list what to copy",
		.remedy = "without --copy-up={path}; or sudo chmod o+rx {path}",
	},

	/* /dev/net/tun. */
	{
		.id = "tun-missing-in-container",
		.steps = TUN,
		.codes = {ENOENT},
		.test = device_is_missing,
		.arg = "container",
		.cause = "this container has no /dev/net/tun",
		.docker = "--device /dev/net/tun",
		.kubernetes = "a hostPath volume of /dev/net/tun",
		.lxd = "config device add NAME tun unix-char path=/dev/net/tun",
		.remedy = "or --net=host",
	},
	{
		.id = "tun-missing",
		.steps = TUN,
		.codes = {ENOENT},
		.test = device_is_missing,
		.arg = "host",
		.cause = "there is no /dev/net/tun",
		.remedy = "sudo modprobe tun && echo tun | sudo tee /etc/modules-load.d/tun.conf",
	},
	{
		.id = "tun-driver-missing",
		.steps = TUN,
		.codes = {ENODEV, ENXIO},
		.cause = "/dev/net/tun is there, but the kernel has no tun driver loaded",
		.remedy = "sudo modprobe tun && echo tun | sudo tee /etc/modules-load.d/tun.conf",
	},
	{
		.id = "tun-is-something-else",
		.steps = TUN,
		.codes = {ENOTTY, EINVAL, EISDIR},
		.test = device_is_something_else,
		.cause = "/dev/net/tun is no character device: {value}",
		.remedy = "sudo rm -r /dev/net/tun && sudo mknod -m 0666 /dev/net/tun c 10 200; "
			  "for a "
			  "container docker run --device /dev/net/tun …",
	},
	{
		.id = "tun-nodev",
		.steps = TUN,
		.codes = {EACCES},
		.test = device_is_on_nodev,
		.cause = "/dev/net/tun is on {point}, which is mounted nodev",
		.remedy = "sudo mount -o remount,dev {point}; for a container docker run --device "
			  "/dev/net/tun …",
	},
	{
		.id = "tun-closed",
		.steps = TUN,
		.codes = {EACCES, EPERM},
		.test = device_is_closed,
		.cause = "the mode of /dev/net/tun is {value}; it must be open to all, the kernel "
			 "checks rights by the network namespace",
		.remedy = "sudo chmod 0666 /dev/net/tun",
	},
	{
		.id = "tun-device-rules",
		.steps = TUN,
		.codes = {EACCES, EPERM},
		.test = is_in_container,
		.cause = "this container's device rules do not allow /dev/net/tun",
		.docker = "--device /dev/net/tun",
		.kubernetes = "a device plugin that gives it, or privileged: true",
		.lxd = "config device add NAME tun unix-char path=/dev/net/tun",
		.remedy = "or --net=host",
	},

	/* slirp4netns. */
	{
		.id = "slirp4netns-not-in-path",
		.steps = SLIRP,
		.codes = {ENOENT},
		.says = "executing",
		.test = slirp_is_elsewhere,
		.cause = "it is {path}, and PATH does not have {value}",
		.remedy = "PATH=$PATH:{value}; or --slirp4netns-binary={path}",
	},
	{
		.id = "slirp4netns-missing",
		.steps = SLIRP,
		.codes = {ENOENT},
		.says = "executing",
		.cause = "slirp4netns is not installed, or not where --slirp4netns-binary or PATH "
			 "leads",
		.remedy = "{install slirp4netns}",
	},
	{
		.id = "slirp4netns-old",
		.steps = SLIRP,
		.codes = {EOPNOTSUPP},
		.says = "or newer is needed",
		.cause = "the slirp4netns that PATH or --slirp4netns-binary leads to is too old",
		.remedy = "{install slirp4netns}, or name a newer one: --slirp4netns-binary=FILE",
	},
	{
		.id = "slirp4netns-not-executable",
		.steps = SLIRP,
		.codes = {EACCES, ENOEXEC},
		.says = "executing",
		.cause = "what --slirp4netns-binary or PATH leads to is no executable file of this "
			 "machine",
		.remedy = "another: --slirp4netns-binary=FILE; or {install slirp4netns}",
	},
	{
		.id = "slirp4netns-impostor",
		.steps = SLIRP,
		.codes = {EPROTO},
		.says = "does not tell a version",
		.cause = "what --slirp4netns-binary or PATH leads to is not slirp4netns",
		.remedy = "another: --slirp4netns-binary=FILE; or {install slirp4netns}",
	},
	{
		.id = "slirp4netns-shields",
		.steps = SLIRP,
		.codes = {ECHILD},
		.test = shield_was_required,
		.cause = "{value} was asked for, and slirp4netns dies with it here",
		.remedy = "{path}, which goes on without it",
	},

	/* The cgroup. */
	{
		.id = "cgroup-not-ours",
		.steps = CGROUP,
		.codes = {EACCES, EPERM},
		.test = has_cgroup2,
		.cause = "our cgroup, {value} in /proc/self/cgroup, has not been delegated to this "
			 "user",
		.remedy = "systemd-run --user --scope -p Delegate=yes fauxroot …; in a unit "
			  "Delegate=yes",
	},
	{
		.id = "cgroup2-of-container",
		.steps = CGROUP,
		.codes = {ENODEV},
		.test = is_in_container,
		.cause = "this container shows no cgroup v2 of its own",
		.remedy = "docker run --cgroupns=private …, on a host that has version 2 alone",
	},
	{
		.id = "cgroup2-missing",
		.steps = CGROUP,
		.codes = {ENODEV},
		.cause = "this machine has no cgroup v2, or does not mount it",
		.remedy = "{boot systemd.unified_cgroup_hierarchy=1}",
	},
	{.cause = NULL},
};

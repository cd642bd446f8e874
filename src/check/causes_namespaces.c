/* SPDX-License-Identifier: Apache-2.0 */
/* The table of causes: what keeps clone(2) from making the namespaces, and what is scarce. */
#include "cause.h"

#include <errno.h>

#define CLONE STEP_BIT(STEP_CLONE)
#define ANY   (~0U)

const struct cause causes_of_namespaces[] = {
	{
		.id = "kernel-old",
		.steps = ANY,
		.codes = {EINVAL, ENOSYS},
		.test = kernel_is_older,
		.arg = "5.10",
		.cause = "{path} is {value}: this is an older kernel than Linux 5.10",
		.remedy = "a newer kernel; a reboot, where one is installed already",
	},
	{
		.id = "no-proc",
		.steps = ANY,
		.codes = {ENOENT},
		.says = "/proc/",
		.test = has_no_proc,
		.cause = "there is no proc file system on /proc",
		.remedy = "sudo mount -t proc proc /proc",
	},
	{
		.id = "userns-clone-off",
		.steps = CLONE,
		.codes = {EPERM},
		.test = sysctl_is_zero,
		.arg = "kernel/unprivileged_userns_clone",
		.cause = "{path} is {value}: only root may make user namespaces",
		.remedy = "echo kernel.unprivileged_userns_clone=1 | sudo tee "
			  "/etc/sysctl.d/60-fauxroot.conf && sudo sysctl --system",
	},
	{
		.id = "chroot",
		.steps = CLONE,
		.codes = {EPERM},
		.test = is_chroot,
		.cause = "this process is in a chroot (/proc/self/mountinfo has no mount at /), "
			 "where the kernel makes no user namespaces",
		.remedy = "enter the directory with pivot_root(2) instead, as containers and "
			  "systemd-nspawn do",
	},
	{
		.id = "unmapped-id",
		.steps = CLONE,
		.codes = {EPERM},
		.test = is_unmapped,
		.cause = "our {value} is not in {path}: who has no id in the user namespace it is "
			 "in can make no other",
		.remedy = "run the container with a user that its own id map has",
	},
	{
		.id = "max-user-namespaces",
		.steps = CLONE,
		.codes = {ENOSPC, EINVAL, EUSERS},
		.test = limit_is_zero,
		.arg = "user",
		.cause = "{path} is {value}: user namespaces are switched off",
		.remedy = "echo user.max_user_namespaces=28633 | sudo tee "
			  "/etc/sysctl.d/60-fauxroot.conf && sudo sysctl --system; in Kubernetes "
			  "on the node, in Bottlerocket "
			  "settings.kernel.sysctl.\"user.max_user_namespaces\"=\"28633\"",
	},
	{
		.id = "max-user-namespaces-one",
		.steps = CLONE,
		.codes = {ENOSPC},
		.test = limit_is_one,
		.arg = "user",
		.cause = "{path} is {value}: a launch makes two user namespaces, one inside the "
			 "other",
		.remedy = "echo user.max_user_namespaces=28633 | sudo tee "
			  "/etc/sysctl.d/60-fauxroot.conf && sudo sysctl --system",
	},
	{
		.id = "max-mnt-namespaces",
		.steps = CLONE,
		.codes = {ENOSPC},
		.test = limit_is_zero,
		.arg = "mnt",
		.cause = "{path} is {value}: no mount namespace can be made",
		.remedy = "echo user.max_mnt_namespaces=28633 | sudo tee "
			  "/etc/sysctl.d/60-fauxroot.conf && sudo sysctl --system",
	},
	{
		.id = "max-net-namespaces",
		.steps = CLONE,
		.codes = {ENOSPC},
		.test = limit_is_zero,
		.arg = "net",
		.cause = "{path} is {value}: no network namespace can be made",
		.remedy = "echo user.max_net_namespaces=28633 | sudo tee "
			  "/etc/sysctl.d/60-fauxroot.conf && sudo sysctl --system; or --net=host",
	},
	{
		.id = "max-further-namespaces",
		.steps = CLONE,
		.codes = {ENOSPC},
		.test = limit_is_zero,
		.arg = "pid cgroup uts ipc",
		.cause = "{path} is {value}: no such namespace can be made",
		.remedy = "echo user.max_{point}_namespaces=28633 | sudo tee "
			  "/etc/sysctl.d/60-fauxroot.conf && sudo sysctl --system; or without "
			  "--{point}ns",
	},
	{
		.id = "namespaces-used-up",
		.steps = CLONE,
		.codes = {ENOSPC},
		.test = limits_are_there,
		.cause =
			"of the limits in /proc/sys/user ({value}) one is used up by this user, "
			"or is lower in an outer user namespace; or user namespaces are nested too "
			"deep: 32 levels, of which each launch takes two",
		.remedy = "lsns shows who has them; sudo sysctl -w user.max_user_namespaces=N (and "
			  "the others) raises a limit; where they are nested, start it from fewer "
			  "levels in",
	},
	{
		.id = "nested-too-deep",
		.steps = CLONE,
		.codes = {EUSERS},
		.cause = "user namespaces are nested too deep: 32 levels (man 7 user_namespaces), "
			 "of which each launch takes two",
		.remedy = "start it from fewer levels in",
	},
	{
		.id = "no-user-namespaces",
		.steps = CLONE,
		.codes = {EINVAL},
		.test = is_missing,
		.arg = "/proc/self/ns/user",
		.cause = "this kernel has no user namespaces: there is no /proc/self/ns/user",
		.remedy = "a kernel with CONFIG_USER_NS=y; on RHEL and CentOS 7: sudo grubby "
			  "--update-kernel=ALL --args=user_namespace.enable=1, "
			  "user.max_user_namespaces=28633 in /etc/sysctl.d, and a reboot",
	},
	{
		.id = "cgroup-pids-max",
		.steps = ANY,
		.codes = {EAGAIN},
		.test = cgroup_has_no_pids_left,
		.cause = "the cgroup has as many processes as {path} allows: {value}",
		.docker = "--pids-limit=-1",
		.kubernetes = "the kubelet's podPidsLimit",
		.remedy = "in systemd TasksMax=infinity",
	},
	{
		.id = "process-limit",
		.steps = ANY,
		.codes = {EAGAIN},
		.test = process_limit_is_low,
		.cause = "{user} may have {value} processes and threads (/proc/self/limits, Max "
			 "processes)",
		.remedy = "echo '{user} - nproc 65536' | sudo tee "
			  "/etc/security/limits.d/60-fauxroot.conf, and a new session; in systemd "
			  "LimitNPROC=65536",
	},
	{
		.id = "descriptor-limit-soft",
		.steps = ANY,
		.codes = {EMFILE, ETOOMANYREFS}, /* man 7 unix: descriptors on their way count */
		.test = descriptor_limit_is_low,
		.arg = "soft",
		.cause = "a process may have {value} descriptors open (/proc/self/limits, Max open "
			 "files), and up to {point} where it asks for more",
		.remedy = "ulimit -n {point}",
	},
	{
		.id = "descriptor-limit-hard",
		.steps = ANY,
		.codes = {EMFILE, ETOOMANYREFS},
		.test = descriptor_limit_is_low,
		.arg = "hard",
		.cause = "a process may have {value} descriptors open (/proc/self/limits, Max open "
			 "files)",
		.remedy = "echo '{user} - nofile 65536' | sudo tee "
			  "/etc/security/limits.d/60-fauxroot.conf, and a new session; in systemd "
			  "LimitNOFILE=65536; docker run --ulimit nofile=65536 …",
	},
	{.cause = NULL},
};

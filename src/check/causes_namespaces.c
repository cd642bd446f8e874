/* SPDX-License-Identifier: Apache-2.0 */
/* The table of causes: what keeps clone(2) from making the namespaces. */
#include "cause.h"

#include <errno.h>

#define CLONE STEP_BIT(STEP_CLONE)

const struct cause causes_of_namespaces[] = {
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
		.id = "seccomp",
		.steps = CLONE | STEP_BIT(STEP_MOUNT),
		.codes = {EPERM},
		.test = has_seccomp_filter,
		.cause = "a seccomp filter is on this process (/proc/self/status: Seccomp: "
			 "{value}), as container engines and systemd's RestrictNamespaces= set "
			 "one that refuses namespaces and mounts",
		.remedy = "docker run --security-opt seccomp=unconfined …; in Kubernetes "
			  "securityContext.seccompProfile.type: Unconfined; in systemd "
			  "RestrictNamespaces=no",
	},
	{
		.id = "max-user-namespaces",
		.steps = CLONE,
		.codes = {ENOSPC, EINVAL, EUSERS},
		.test = sysctl_is_zero,
		.arg = "user/max_user_namespaces",
		.cause = "{path} is {value}: user namespaces are switched off",
		.remedy = "echo user.max_user_namespaces=28633 | sudo tee "
			  "/etc/sysctl.d/60-fauxroot.conf && sudo sysctl --system; in Kubernetes "
			  "on the node, in Bottlerocket "
			  "settings.kernel.sysctl.\"user.max_user_namespaces\"=\"28633\"",
	},
	{
		.id = "max-mnt-namespaces",
		.steps = CLONE,
		.codes = {ENOSPC},
		.test = sysctl_is_zero,
		.arg = "user/max_mnt_namespaces",
		.cause = "{path} is {value}: no mount namespace can be made",
		.remedy = "echo user.max_mnt_namespaces=28633 | sudo tee "
			  "/etc/sysctl.d/60-fauxroot.conf && sudo sysctl --system",
	},
	{
		.id = "max-net-namespaces",
		.steps = CLONE,
		.codes = {ENOSPC},
		.test = sysctl_is_zero,
		.arg = "user/max_net_namespaces",
		.cause = "{path} is {value}: no network namespace can be made",
		.remedy = "echo user.max_net_namespaces=28633 | sudo tee "
			  "/etc/sysctl.d/60-fauxroot.conf && sudo sysctl --system; or --net=host",
	},
	{
		.id = "namespaces-used-up",
		.steps = CLONE,
		.codes = {ENOSPC},
		.test = sysctl_is_there,
		.arg = "user/max_user_namespaces",
		.cause = "{path} is {value}: so many are in use by this user, or an outer user "
			 "namespace allows fewer, or 32 are nested already",
		.remedy = "lsns -t user shows them; sudo sysctl -w user.max_user_namespaces=N "
			  "raises the limit",
	},
	{
		.id = "nested-too-deep",
		.steps = CLONE,
		.codes = {EUSERS},
		.cause = "user namespaces are nested 32 deep already (man 7 user_namespaces)",
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
	{.cause = NULL},
};

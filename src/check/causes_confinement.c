/* SPDX-License-Identifier: Apache-2.0 */
/* The table of causes: what lets the clone pass and refuses what needs rights inside. */
#include "cause.h"

#include <errno.h>

/* All that happens in the new namespaces before the target: AppArmor lets the clone pass there. */
#define INSIDE                                                               \
	(STEP_BIT(STEP_NONE) | STEP_BIT(STEP_CLONE) | STEP_BIT(STEP_IDMAP) | \
	 STEP_BIT(STEP_MOUNT) | STEP_BIT(STEP_PROC) | STEP_BIT(STEP_NET) | STEP_BIT(STEP_TUN))

const struct cause causes_of_confinement[] = {
	{
		.id = "proc-masked",
		.steps = STEP_BIT(STEP_PROC),
		.codes = {EPERM},
		.test = proc_is_masked,
		.cause = "parts of /proc are masked here ({value}), and the kernel mounts no other "
			 "proc "
			 "where none is wholly visible",
		.docker = "--security-opt systempaths=unconfined",
		.podman = "--security-opt unmask=ALL",
		.kubernetes = "securityContext.procMount: Unmasked (hostUsers: false in the pod)",
		.lxd = "config set NAME security.nesting=true",
		.remedy = "or without --pidns (and for buildkitd --oci-worker-no-process-sandbox)",
	},
	{
		.id = "flatpak",
		.steps = INSIDE,
		.codes = {EPERM, ENOSYS},
		.test = is_there,
		.arg = "/.flatpak-info",
		.cause = "this is within a Flatpak ({path}), where no program may make namespaces",
		.remedy = "flatpak-spawn --host fauxroot …, which runs it outside",
	},
	{
		.id = "seccomp",
		.steps = INSIDE | STEP_BIT(STEP_SLIRP),
		.codes = {EPERM, ENOSYS},
		.test = has_seccomp_filter,
		.cause = "a seccomp filter is on this process (/proc/self/status: Seccomp: "
			 "{value}), as container engines and systemd's RestrictNamespaces= set "
			 "one that refuses namespaces and mounts",
		.docker = "--security-opt seccomp=unconfined",
		.kubernetes = "securityContext.seccompProfile.type: Unconfined",
		.remedy = "in systemd RestrictNamespaces=no",
	},
	{
		.id = "apparmor-userns",
		.steps = INSIDE,
		.codes = {EPERM, EACCES},
		.test = apparmor_restricts,
		.cause = "{path} is 1: without an AppArmor profile that says userns, a program "
			 "has no rights in a user namespace",
		.remedy = "printf 'abi <abi/4.0>,\\ninclude <tunables/global>\\nprofile fauxroot "
			  "{self} flags=(unconfined) {{\\n userns,\\n}\\n' | sudo tee "
			  "/etc/apparmor.d/fauxroot && sudo apparmor_parser -r "
			  "/etc/apparmor.d/fauxroot",
	},
	{
		.id = "apparmor-confined",
		.steps = INSIDE,
		.codes = {EPERM, EACCES},
		.test = is_apparmor_confined,
		.cause = "AppArmor confines this process ({path}: {value})",
		.docker = "--security-opt apparmor=unconfined",
		.kubernetes = "securityContext.appArmorProfile.type: Unconfined",
		.lxd = "config set NAME security.nesting=true",
	},
	{
		.id = "selinux",
		.steps = INSIDE,
		.codes = {EACCES},
		.test = selinux_enforces,
		.cause = "SELinux enforces its policy ({path}: 1) on this process ({value})",
		.docker = "--security-opt label=disable",
		.kubernetes = "securityContext.seLinuxOptions.type: spc_t",
		.remedy = "sudo ausearch -m avc -ts recent shows what it refused",
	},
	{
		.id = "mount-max",
		.steps = STEP_BIT(STEP_MOUNT),
		.codes = {ENOSPC},
		.test = sysctl_is_there,
		.arg = "fs/mount-max",
		.cause = "{path} is {value}: a mount namespace can have no more mounts than that",
		.remedy = "echo fs.mount-max=200000 | sudo tee /etc/sysctl.d/60-fauxroot.conf && "
			  "sudo sysctl --system; or fewer --copy-up",
	},
	{.cause = NULL},
};

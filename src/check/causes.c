/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of causes. For one error the rows stand from the particular to the general.
 *
 * A cause names the file that was read and its value; a remedy is a command to paste, or the
 * setting with its name. Where root is needed the command says sudo.
 */
#include "cause.h"

#include <errno.h>

/* All that happens in the new namespaces before the target: AppArmor lets the clone pass there. */
#define INSIDE                                                               \
	(STEP_BIT(STEP_NONE) | STEP_BIT(STEP_CLONE) | STEP_BIT(STEP_IDMAP) | \
	 STEP_BIT(STEP_MOUNT) | STEP_BIT(STEP_NET) | STEP_BIT(STEP_TUN))

#define CLONE  STEP_BIT(STEP_CLONE)
#define IDMAP  STEP_BIT(STEP_IDMAP)
#define STATE  STEP_BIT(STEP_STATEDIR)
#define TUN    STEP_BIT(STEP_TUN)
#define SLIRP  STEP_BIT(STEP_SLIRP)
#define CGROUP STEP_BIT(STEP_CGROUP)
#define EXEC   STEP_BIT(STEP_EXEC)

static const struct cause table[] = {
	/* Namespaces. */
	{
		.steps = CLONE,
		.codes = {EPERM},
		.test = sysctl_is_zero,
		.arg = "kernel/unprivileged_userns_clone",
		.cause = "{path} is {value}: only root may make user namespaces",
		.remedy = "echo kernel.unprivileged_userns_clone=1 | sudo tee "
			  "/etc/sysctl.d/60-fauxroot.conf && sudo sysctl --system",
	},
	{
		.steps = CLONE,
		.codes = {EPERM},
		.test = is_chroot,
		.cause = "this process is in a chroot (/proc/self/mountinfo has no mount at /), "
			 "where the kernel makes no user namespaces",
		.remedy = "enter the directory with pivot_root(2) instead, as containers and "
			  "systemd-nspawn do",
	},
	{
		.steps = CLONE,
		.codes = {EPERM},
		.test = is_unmapped,
		.cause = "our {value} is not in {path}: who has no id in the user namespace it is "
			 "in can make no other",
		.remedy = "run the container with a user that its own id map has",
	},
	{
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
		.steps = CLONE,
		.codes = {ENOSPC},
		.test = sysctl_is_zero,
		.arg = "user/max_mnt_namespaces",
		.cause = "{path} is {value}: no mount namespace can be made",
		.remedy = "echo user.max_mnt_namespaces=28633 | sudo tee "
			  "/etc/sysctl.d/60-fauxroot.conf && sudo sysctl --system",
	},
	{
		.steps = CLONE,
		.codes = {ENOSPC},
		.test = sysctl_is_zero,
		.arg = "user/max_net_namespaces",
		.cause = "{path} is {value}: no network namespace can be made",
		.remedy = "echo user.max_net_namespaces=28633 | sudo tee "
			  "/etc/sysctl.d/60-fauxroot.conf && sudo sysctl --system; or --net=host",
	},
	{
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
		.steps = CLONE,
		.codes = {EUSERS},
		.cause = "user namespaces are nested 32 deep already (man 7 user_namespaces)",
		.remedy = "start it from fewer levels in",
	},
	{
		.steps = CLONE,
		.codes = {EINVAL},
		.test = is_missing,
		.arg = "/proc/self/ns/user",
		.cause = "this kernel has no user namespaces: there is no /proc/self/ns/user",
		.remedy = "a kernel with CONFIG_USER_NS=y; on RHEL and CentOS 7: sudo grubby "
			  "--update-kernel=ALL --args=user_namespace.enable=1, "
			  "user.max_user_namespaces=28633 in /etc/sysctl.d, and a reboot",
	},

	/* Ids: the programs. */
	{
		.steps = IDMAP,
		.codes = {ENOENT},
		.says = "executing",
		.test = mapper_is_missing,
		.cause = "{path} is not in PATH ({value})",
		.remedy = "{install newuidmap}",
	},
	{
		.steps = IDMAP,
		.codes = {ENOENT},
		.says = "executing \"getsubids\"",
		.cause = "getsubids, which asks the source that nsswitch.conf names for "
			 "subordinate ids, is not in PATH",
		.remedy = "{install getsubids}; or --subid-source=static",
	},
	{
		.steps = IDMAP,
		.codes = {EPERM},
		.test = mapper_has_no_new_privs,
		.cause = "no_new_privs is set on this process (/proc/self/status: NoNewPrivs: 1), "
			 "so {path} gains no privileges",
		.remedy = "in systemd NoNewPrivileges=no; in Kubernetes allowPrivilegeEscalation: "
			  "true; in Docker no --security-opt no-new-privileges; or --idmap=single",
	},
	{
		.steps = IDMAP,
		.codes = {EPERM},
		.test = mapper_is_on_nosuid,
		.cause = "{path} is on {point}, which is mounted nosuid, so it gains no privileges",
		.remedy = "sudo mount -o remount,suid {point}",
	},
	{
		.steps = IDMAP,
		.codes = {EPERM},
		.test = mapper_lacks_setuid,
		.cause = "{path} has neither the set-user-ID bit nor file capabilities",
		.remedy = "sudo chmod u+s {path}",
	},
	{
		.steps = IDMAP,
		.codes = {EPERM},
		.test = mapper_lacks_cap,
		.arg = "7", /* CAP_SETUID */
		.cause = "CAP_SETUID is outside of our capability bounding set "
			 "(/proc/self/status: CapBnd: {value}), so newuidmap cannot have it either",
		.remedy = "docker run --cap-add SETUID --cap-add SETGID …; in systemd "
			  "CapabilityBoundingSet= with CAP_SETUID CAP_SETGID",
	},
	{
		.steps = IDMAP,
		.codes = {EPERM},
		.test = mapper_lacks_cap,
		.arg = "6", /* CAP_SETGID */
		.cause = "CAP_SETGID is outside of our capability bounding set "
			 "(/proc/self/status: CapBnd: {value}), so newgidmap cannot have it either",
		.remedy = "docker run --cap-add SETUID --cap-add SETGID …; in systemd "
			  "CapabilityBoundingSet= with CAP_SETUID CAP_SETGID",
	},
	{
		.steps = IDMAP,
		.codes = {EPERM},
		.test = root_lacks_cap,
		.arg = "31", /* CAP_SETFCAP */
		.cause =
			"CAP_SETFCAP is outside of our capability bounding set (/proc/self/status: "
			"CapBnd: {value}); mapping the outer uid 0 needs it since Linux 5.12",
		.remedy = "docker run --cap-add SETFCAP …; or run it as another user than root",
	},
	{
		.steps = IDMAP,
		.codes = {EPERM},
		.test = ranges_are_not_ours,
		.cause = "{value}, is not within the ids of the user namespace we are in ({path})",
		.remedy = "give {user} a range inside of it in /etc/subuid and /etc/subgid "
			  "({user}:{free line}), or give this container more ids (in LXD: "
			  "security.idmap.size)",
	},
	{
		.steps = IDMAP,
		.codes = {EPERM},
		.says = "not allowed",
		.test = ranges_come_from_elsewhere,
		.cause = "/etc/nsswitch.conf has \"{value}\": newuidmap goes by that source, and "
			 "it does not give us these ranges",
		.remedy = "--subid-source=dynamic",
	},

	/* What lets the clone pass and refuses what needs rights inside, and what refuses both. */
	{
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
		.steps = INSIDE,
		.codes = {EPERM, EACCES},
		.test = is_apparmor_confined,
		.cause = "AppArmor confines this process ({path}: {value})",
		.remedy = "docker run --security-opt apparmor=unconfined …; in Kubernetes "
			  "securityContext.appArmorProfile.type: Unconfined",
	},

	/* Ids: the ranges. */
	{
		.steps = IDMAP,
		.codes = {EINVAL},
		.test = has_lines,
		.cause = "{value}",
		.remedy = "keep lines that overlap neither each other nor the uid {uid}; free on "
			  "this machine is {user}:{free line}",
	},
	{
		.steps = IDMAP,
		.codes = {ENOENT},
		.says = "has no subordinate",
		.test = ranges_come_from_elsewhere,
		.cause = "/etc/nsswitch.conf has \"{value}\", and that source has no ranges for "
			 "{user}",
		.remedy = "assign them there (FreeIPA: ipa subid-generate), or with \"subid: "
			  "files\" give {user}:{free line} in /etc/subuid and /etc/subgid; or "
			  "--idmap=single",
	},
	{
		.steps = IDMAP,
		.codes = {ENOENT},
		.says = "has no subordinate",
		.test = local_user_lacks_ranges,
		.arg = "ug",
		.cause = "neither /etc/subuid nor /etc/subgid has a line for {user} or {uid}",
		.remedy = "sudo usermod --add-subuids {free range} --add-subgids {free range} "
			  "{user}; or --idmap=single",
	},
	{
		.steps = IDMAP,
		.codes = {ENOENT},
		.says = "has no subordinate",
		.test = local_user_lacks_ranges,
		.arg = "u",
		.cause = "{path} has no line for {user} or {uid}",
		.remedy = "sudo usermod --add-subuids {free range} {user}; or --idmap=single",
	},
	{
		.steps = IDMAP,
		.codes = {ENOENT},
		.says = "has no subordinate",
		.test = local_user_lacks_ranges,
		.arg = "g",
		.cause = "{path} has no line for {user} or {uid}",
		.remedy = "sudo usermod --add-subgids {free range} {user}; or --idmap=single",
	},
	{
		/* usermod(8) knows the accounts of /etc/passwd only. */
		.steps = IDMAP,
		.codes = {ENOENT},
		.says = "has no subordinate",
		.test = user_lacks_ranges,
		.cause = "no line for uid {uid} in {path}, nor does /etc/passwd have that uid",
		.remedy = "echo {uid}:{free line} | sudo tee -a {value}; where the account's "
			  "directory has ranges: \"subid: sss\" in /etc/nsswitch.conf; or "
			  "--idmap=single",
	},

	/* The state directory. */
	{
		.steps = STATE,
		.codes = {EBUSY},
		.test = holder_is_known,
		.cause = "a state directory belongs to one instance at a time, and process "
			 "{value} has it",
		.remedy = "another --state-dir; or end that instance: kill {value}",
	},
	{
		.steps = STATE,
		.codes = {EBUSY},
		.says = "is in use by",
		.cause = "a state directory belongs to one instance at a time",
		.remedy = "another --state-dir, or end that instance",
	},
	{
		.steps = STATE,
		.codes = {EACCES, EPERM, ENOENT, EROFS},
		.test = runtime_dir_is_not_ours,
		.cause = "XDG_RUNTIME_DIR is {value}, as after su or sudo from that user's session",
		.remedy = "a session of its own: machinectl shell {user}@; or ssh "
			  "{user}@localhost; or XDG_RUNTIME_DIR={path}",
	},
	{
		.steps = STATE,
		.codes = {EACCES, EPERM, ENOENT, EROFS},
		.test = runtime_dir_is_unset,
		.arg = "there",
		.cause = "XDG_RUNTIME_DIR is not set, though {path} is there",
		.remedy = "export XDG_RUNTIME_DIR={path}",
	},
	{
		.steps = STATE,
		.codes = {EACCES, EPERM, ENOENT, EROFS},
		.test = runtime_dir_is_unset,
		.arg = "missing",
		.cause = "XDG_RUNTIME_DIR is not set and {path} is missing: {user} has no login "
			 "session",
		.remedy = "sudo loginctl enable-linger {user}, then export "
			  "XDG_RUNTIME_DIR={path}; or --state-dir",
	},
	{
		.steps = STATE,
		.codes = {ENAMETOOLONG},
		.cause = "the path of a UNIX socket has at most 107 bytes (man 7 unix)",
		.remedy = "a shorter --state-dir",
	},

	/* /dev/net/tun. */
	{
		.steps = TUN,
		.codes = {ENOENT},
		.test = device_is_missing,
		.arg = "container",
		.cause = "this container has no /dev/net/tun",
		.remedy = "docker run --device /dev/net/tun …; in Kubernetes a hostPath volume of "
			  "it, or --net=host",
	},
	{
		.steps = TUN,
		.codes = {ENOENT},
		.test = device_is_missing,
		.arg = "host",
		.cause = "there is no /dev/net/tun",
		.remedy = "sudo modprobe tun && echo tun | sudo tee /etc/modules-load.d/tun.conf",
	},
	{
		.steps = TUN,
		.codes = {ENODEV, ENXIO},
		.cause = "/dev/net/tun is there, but the kernel has no tun driver loaded",
		.remedy = "sudo modprobe tun && echo tun | sudo tee /etc/modules-load.d/tun.conf",
	},
	{
		.steps = TUN,
		.codes = {EACCES, EPERM},
		.test = device_is_closed,
		.cause = "the mode of /dev/net/tun is {value}; it must be open to all, the kernel "
			 "checks rights by the network namespace",
		.remedy = "sudo chmod 0666 /dev/net/tun",
	},
	{
		.steps = TUN,
		.codes = {EACCES, EPERM},
		.test = is_in_container,
		.cause = "this container's device rules do not allow /dev/net/tun",
		.remedy = "docker run --device /dev/net/tun …",
	},

	/* The cgroup. */
	{
		.steps = CGROUP,
		.codes = {EACCES, EPERM},
		.test = has_cgroup2,
		.cause = "our cgroup, {value} in /proc/self/cgroup, has not been delegated to this "
			 "user",
		.remedy = "systemd-run --user --scope -p Delegate=yes fauxroot …; in a unit "
			  "Delegate=yes",
	},
	{
		.steps = CGROUP,
		.codes = {ENODEV},
		.test = is_in_container,
		.cause = "this container shows no cgroup v2 of its own",
		.remedy = "docker run --cgroupns=private …, on a host that has version 2 alone",
	},
	{
		.steps = CGROUP,
		.codes = {ENODEV},
		.cause = "this machine has no cgroup v2, or does not mount it",
		.remedy = "boot with systemd.unified_cgroup_hierarchy=1 on the kernel's command "
			  "line",
	},

	/* slirp4netns. */
	{
		.steps = SLIRP,
		.codes = {ENOENT},
		.says = "executing",
		.cause = "slirp4netns is not installed, or not where --slirp4netns-binary or PATH "
			 "leads",
		.remedy = "{install slirp4netns}",
	},
	{
		.steps = SLIRP,
		.codes = {EOPNOTSUPP},
		.says = "or newer is needed",
		.cause = "the slirp4netns that PATH or --slirp4netns-binary leads to is too old",
		.remedy = "{install slirp4netns}, or name a newer one: --slirp4netns-binary=FILE",
	},

	/* The target. */
	{
		.steps = EXEC,
		.codes = {ENOENT},
		.test = target_has_no_interpreter,
		.cause = "{path} is there, but not {value}, the interpreter that its first line "
			 "names",
		.remedy =
			"install {value}, or name the interpreter that is there in the first line",
	},
	{
		.steps = EXEC,
		.codes = {ENOENT},
		.test = target_is_in_sbin,
		.cause = "it is {path}, and PATH does not have {value}",
		.remedy = "PATH=$PATH:{value}",
	},
	{
		.steps = EXEC,
		.codes = {ENOENT, EACCES},
		.test = target_is_not_in_path,
		.cause = "{path} is not in PATH ({value})",
		.remedy = "its absolute path, or a PATH that leads to it",
	},
	{
		.steps = EXEC,
		.codes = {ENOENT, ENOTDIR},
		.test = target_is_absent,
		.cause = "there is no {path}",
		.remedy = "the path of an executable file; one that a --copy-up hides must be "
			  "there when it starts",
	},
	{
		.steps = EXEC,
		.codes = {EACCES},
		.test = target_is_directory,
		.cause = "{path} is a directory",
		.remedy = "the path of an executable file",
	},
	{
		.steps = EXEC,
		.codes = {EACCES},
		.test = target_has_no_x_bit,
		.cause = "{path} is not executable: its mode is {value}",
		.remedy = "chmod +x {path}, where it is a program",
	},
	{
		.steps = EXEC,
		.codes = {EACCES},
		.test = target_is_on_noexec,
		.cause = "{path} is on {point}, which is mounted noexec",
		.remedy = "a copy of it on another file system, or sudo mount -o remount,exec "
			  "{point}",
	},
	{
		.steps = EXEC,
		.codes = {ENOEXEC},
		.test = target_is_there,
		.cause = "{path} is neither an executable of this machine nor a script whose "
			 "first line is #! and an interpreter",
		.remedy = "sh {path}, where it is a shell script",
	},
	{.cause = NULL},
};

const struct cause *causes(void)
{
	return table;
}

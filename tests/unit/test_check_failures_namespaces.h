/* SPDX-License-Identifier: Apache-2.0 */
/* For test_check_explain.c: clone(2), limits, and what confines a process inside. */
#pragma once

#include "test_check_failure.h"

static const struct failure namespace_failures[] = {
	{STEP_CLONE, EPERM, "clone", NULL, NULL, .files = {{0}}},
	{STEP_CLONE, EPERM, "clone",
	 "/proc/sys/kernel/unprivileged_userns_clone is 0: only root may make user "
	 "namespaces",
	 "echo kernel.unprivileged_userns_clone=1 | sudo tee "
	 "/etc/sysctl.d/60-fauxroot.conf && sudo sysctl --system",
	 .files = {{"/proc/sys/kernel/unprivileged_userns_clone", "0\n", 0}}},
	{STEP_CLONE, EACCES, "clone",
	 "/proc/sys/kernel/apparmor_restrict_unprivileged_userns is 1: without an AppArmor "
	 "profile that says userns, a program has no rights in a user namespace",
	 "printf 'abi <abi/4.0>,\\ninclude <tunables/global>\\nprofile fauxroot "
	 "/opt/fauxroot/bin/fauxroot flags=(unconfined) {\\n userns,\\n}\\n' | sudo tee "
	 "/etc/apparmor.d/fauxroot && sudo apparmor_parser -r /etc/apparmor.d/fauxroot",
	 .files = {{"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n", 0}}},
	/* Later, at the first thing that needs a capability. */
	{STEP_MOUNT, EPERM, "setting the mount propagation to rprivate",
	 "/proc/sys/kernel/apparmor_restrict_unprivileged_userns is 1: without an AppArmor "
	 "profile that says userns, a program has no rights in a user namespace",
	 "printf 'abi <abi/4.0>,\\ninclude <tunables/global>\\nprofile fauxroot "
	 "/opt/fauxroot/bin/fauxroot flags=(unconfined) {\\n userns,\\n}\\n' | sudo tee "
	 "/etc/apparmor.d/fauxroot && sudo apparmor_parser -r /etc/apparmor.d/fauxroot",
	 .files = {{"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n", 0}}},
	/* With a profile it must be something else. */
	{STEP_MOUNT, EPERM, "setting the mount propagation to rprivate", NULL, NULL,
	 .files = {{"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n", 0},
		   {"/proc/self/attr/current", "fauxroot (unconfined)\n", 0}}},
	{STEP_CLONE, EPERM, "clone",
	 "this process is in a chroot (/proc/self/mountinfo has no mount at /), where the "
	 "kernel makes no user namespaces",
	 "enter the directory with pivot_root(2) instead, as containers and systemd-nspawn "
	 "do",
	 .files = {{"/proc/self/mountinfo", "22 1 8:1 /srv /proc rw - proc proc rw\n", 0}}},
	{STEP_CLONE, EPERM, "clone",
	 "our gid 1000 is not in /proc/self/gid_map: who has no id in the user namespace "
	 "it "
	 "is in can make no other",
	 "run the container with a user that its own id map has",
	 .files = {{"/proc/self/gid_map", "0 100000 1000\n", 0}}},
	{STEP_CLONE, EPERM, "clone",
	 "a seccomp filter is on this process (/proc/self/status: Seccomp: 2), as "
	 "container "
	 "engines and systemd's RestrictNamespaces= set one that refuses namespaces and "
	 "mounts",
	 "docker run --security-opt seccomp=unconfined …; in Kubernetes "
	 "securityContext.seccompProfile.type: Unconfined; in systemd "
	 "RestrictNamespaces=no",
	 .files = {{"/proc/self/status", "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nSeccomp:\t2\n", 0}}},
	{STEP_CLONE, EPERM, "clone",
	 "this is within a Flatpak (/.flatpak-info), where no program may make namespaces",
	 "flatpak-spawn --host fauxroot …, which runs it outside",
	 .files = {{"/.flatpak-info", "", 0}}},
	{STEP_CLONE, EACCES, "clone",
	 "AppArmor confines this process (/proc/self/attr/apparmor/current: docker-default "
	 "(enforce))",
	 "docker run --security-opt apparmor=unconfined …; in Kubernetes "
	 "securityContext.appArmorProfile.type: Unconfined; lxc config set NAME "
	 "security.nesting=true",
	 .files = {{"/proc/self/attr/apparmor/current", "docker-default (enforce)\n", 0}}},
	{STEP_CLONE, ENOSPC, "clone",
	 "/proc/sys/user/max_user_namespaces is 0: a launch makes two user namespaces, one "
	 "inside the other",
	 "echo user.max_user_namespaces=28633 | sudo tee /etc/sysctl.d/60-fauxroot.conf && "
	 "sudo sysctl --system; in Kubernetes on the node, in Bottlerocket "
	 "settings.kernel.sysctl.\"user.max_user_namespaces\"=\"28633\"",
	 .files = {{"/proc/sys/user/max_user_namespaces", "0\n", 0}}},
	{STEP_CLONE, ENOSPC, "below the middle user namespace: clone",
	 "/proc/sys/user/max_user_namespaces is 1: a launch makes two user namespaces, one "
	 "inside the other",
	 "echo user.max_user_namespaces=28633 | sudo tee /etc/sysctl.d/60-fauxroot.conf && "
	 "sudo sysctl --system; in Kubernetes on the node, in Bottlerocket "
	 "settings.kernel.sysctl.\"user.max_user_namespaces\"=\"28633\"",
	 .files = {{"/proc/sys/user/max_user_namespaces", "1\n", 0}}},
	{STEP_CLONE, ENOSPC, "clone",
	 "/proc/sys/user/max_net_namespaces is 0: no such namespace can be made",
	 "echo user.max_net_namespaces=28633 | sudo tee /etc/sysctl.d/60-fauxroot.conf && "
	 "sudo sysctl --system; or --net=host",
	 .files = {{"/proc/sys/user/max_net_namespaces", "0\n", 0}}, .ask = ask_network},
	/* It is not asked for. */
	{STEP_CLONE, ENOSPC, "clone",
	 "of the limits in /proc/sys/user (max_user_namespaces 63000) one is used up by "
	 "this user, or is lower in an outer user namespace; or user namespaces are nested "
	 "too deep: 32 levels, of which each launch takes two",
	 "lsns shows who has them; sudo sysctl -w user.max_user_namespaces=N (and the "
	 "others) raises a limit; where they are nested, start it from fewer levels in",
	 .files = {{"/proc/sys/user/max_net_namespaces", "0\n", 0}}},
	{STEP_CLONE, ENOSPC, "clone",
	 "/proc/sys/user/max_uts_namespaces is 0: no such namespace can be made",
	 "echo user.max_uts_namespaces=28633 | sudo tee /etc/sysctl.d/60-fauxroot.conf && "
	 "sudo sysctl --system; or without --utsns",
	 .files = {{"/proc/sys/user/max_pid_namespaces", "9\n", 0},
		   {"/proc/sys/user/max_uts_namespaces", "0\n", 0}},
	 .ask = ask_namespaces},
	{STEP_CLONE, ENOSPC, "clone",
	 "/proc/sys/user/max_mnt_namespaces is 0: no such namespace can be made",
	 "echo user.max_mnt_namespaces=28633 | sudo tee /etc/sysctl.d/60-fauxroot.conf && "
	 "sudo sysctl --system",
	 .files = {{"/proc/sys/user/max_mnt_namespaces", "0\n", 0}}},
	{STEP_CLONE, ENOSPC, "clone",
	 "of the limits in /proc/sys/user (max_user_namespaces 3, max_mnt_namespaces 9, "
	 "max_net_namespaces 8) one is used up by this user, or is lower in an outer user "
	 "namespace; or user namespaces are nested too deep: 32 levels, of which each launch "
	 "takes two",
	 "lsns shows who has them; sudo sysctl -w user.max_user_namespaces=N (and the "
	 "others) raises a limit; where they are nested, start it from fewer levels in",
	 .files = {{"/proc/sys/user/max_user_namespaces", "3\n", 0},
		   {"/proc/sys/user/max_mnt_namespaces", "9\n", 0},
		   {"/proc/sys/user/max_net_namespaces", "8\n", 0},
		   {"/proc/sys/user/max_pid_namespaces", "7\n", 0}},
	 .ask = ask_network},
	{STEP_CLONE, EINVAL, "clone",
	 "this kernel has no user namespaces: there is no /proc/self/ns/user",
	 "a kernel with CONFIG_USER_NS=y; on RHEL and CentOS 7: sudo grubby "
	 "--update-kernel=ALL --args=user_namespace.enable=1, "
	 "user.max_user_namespaces=28633 in /etc/sysctl.d, and a reboot",
	 .files = {{"/proc/self/ns/user", NULL, 0}}},
};

/* What mends a masked /proc, by the runtime whose mark is there. */
static void remedies_of_runtimes(void **state)
{
	static const char without[] = "or without --pidns (and for buildkitd "
				      "--oci-worker-no-process-sandbox)";
	static const struct {
		const char *mark, *text, *remedy;
	} cases[] = {
		{"/.dockerenv", "", "docker run --security-opt systempaths=unconfined …; "},
		{"/run/.containerenv", "", "podman run --security-opt unmask=ALL …; "},
		{"/var/run/secrets/kubernetes.io/x", "",
		 "in Kubernetes securityContext.procMount: Unmasked (hostUsers: false in the "
		 "pod); "},
		{"/dev/lxd/sock", "", "lxc config set NAME security.nesting=true; "},
		{"/dev/incus/sock", "", "incus config set NAME security.nesting=true; "},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char remedy[256];
		const struct failure f = {
			.step = STEP_PROC,
			.code = EPERM,
			.text = "mounting proc, for the PID namespace, on /proc",
			.cause = "parts of /proc are masked here (/proc/kcore), and the kernel "
				 "mounts no other proc where none is wholly visible",
			.remedy = remedy,
			.files = {{cases[i].mark, cases[i].text, 0},
				  {"/proc/self/mountinfo",
				   "22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n"
				   "25 23 0:7 /null /proc/kcore rw - devtmpfs udev rw\n",
				   0}},
		};

		snprintf(remedy, sizeof(remedy), "%s%s", cases[i].remedy, without);
		check_failure(&f);
	}
}

static void without_proc(void **state)
{
	const struct machine nowhere = {.root = "/nonexistent"};
	const struct error err = {.step = STEP_CLONE,
				  .code = ENOENT,
				  .reason = REASON_FILE,
				  .about = "/proc/7/ns/user"};
	struct explanation why;
	struct config config;

	(void)state;
	config_init(&config);
	assert_true(explain(&err, &config, &nowhere, &why));
	assert_string_equal(why.cause, "there is no proc file system on /proc");
	assert_string_equal(why.remedy, "sudo mount -t proc proc /proc");
	remember(why.id);
}

static void namespaces(void **state)
{
	(void)state;
	check_failures(namespace_failures, ARRAY_SIZE(namespace_failures));
}

/* What is scarce: any step can fail of it. */
static void limits(void **state)
{
	static const struct failure cases[] = {
		{STEP_NONE, EMFILE, "creating a socket pair",
		 "a process may have 64 descriptors open (/proc/self/limits, Max open files), and "
		 "up to 4096 where it asks for more; a launch needs up to 64",
		 "ulimit -n 4096", .files = {{"/proc/self/limits", LIMITS("64", "4096", "1"), 0}}},
		{STEP_MOUNT, EMFILE, "opening /etc",
		 "a process may have 64 descriptors open (/proc/self/limits, Max open files), and "
		 "up to 65536 where it asks for more; a launch needs up to 64",
		 "ulimit -n 65536",
		 .files = {{"/proc/self/limits", LIMITS("64", "unlimited", "1"), 0}}},
		{STEP_PORT, ETOOMANYREFS, "sending an order to the port forwarder",
		 "a process may have 64 descriptors open (/proc/self/limits, Max open files), and "
		 "up to 4096 where it asks for more; a launch needs up to 64",
		 "ulimit -n 4096", .files = {{"/proc/self/limits", LIMITS("64", "4096", "1"), 0}}},
		{STEP_IDMAP, EMFILE, "reading /etc/subuid",
		 "a process may have 64 descriptors open (/proc/self/limits, Max open files); a "
		 "launch needs up to 64",
		 "echo 'alice - nofile 65536' | sudo tee /etc/security/limits.d/60-fauxroot.conf, "
		 "and a new session; in systemd LimitNOFILE=65536; docker run --ulimit "
		 "nofile=65536 …",
		 .reason = REASON_FILE, .about = "/etc/subuid",
		 .files = {{"/proc/self/limits", LIMITS("64", "64", "1"), 0}}},
		{STEP_NONE, EMFILE, "creating a socket pair", NULL, NULL,
		 .files = {{"/proc/self/limits", NULL, 0}}},
		{STEP_CLONE, EAGAIN, "clone",
		 "alice may have 63000 processes and threads (/proc/self/limits, Max processes)",
		 "echo 'alice - nproc 65536' | sudo tee /etc/security/limits.d/60-fauxroot.conf, "
		 "and a new session; in systemd LimitNPROC=65536",
		 .files = {{0}}},
		{STEP_CLONE, EAGAIN, "clone", NULL, NULL,
		 .files = {{"/proc/self/limits", LIMITS("1", "1", "unlimited"), 0}}},
		{STEP_IDMAP, EAGAIN, "forking newuidmap",
		 "the cgroup has as many processes as /sys/fs/cgroup/user.slice/pids.max allows: "
		 "33",
		 "docker run --pids-limit=-1 …; in Kubernetes the kubelet's podPidsLimit; in "
		 "systemd "
		 "TasksMax=infinity",
		 .reason = REASON_DIED, .about = "newuidmap",
		 .files = {{"/sys/fs/cgroup/user.slice/pids.max", "33\n", 0},
			   {"/sys/fs/cgroup/user.slice/pids.events", "max 1\n", 0}}},
		{STEP_CLONE, EINVAL, "clone",
		 "/proc/sys/kernel/osrelease is 4.18.0-553.el8.x86_64: this is an older kernel "
		 "than "
		 "Linux 5.10",
		 "a newer kernel; a reboot, where one is installed already",
		 .files = {{"/proc/sys/kernel/osrelease", "4.18.0-553.el8.x86_64\n", 0}}},
		{STEP_MOUNT, ENOSYS, "open_tree",
		 "/proc/sys/kernel/osrelease is 5.9.16: this is an older kernel than Linux 5.10",
		 "a newer kernel; a reboot, where one is installed already",
		 .files = {{"/proc/sys/kernel/osrelease", "5.9.16\n", 0}}},
		{STEP_MOUNT, ENOSYS, "open_tree", NULL, NULL,
		 .files = {{"/proc/sys/kernel/osrelease", "5.10.0\n", 0}}},
		{STEP_MOUNT, ENOSPC, "mounting a tmpfs",
		 "/proc/sys/fs/mount-max is 100: a mount namespace can have no more mounts than "
		 "that",
		 "echo fs.mount-max=200000 | sudo tee /etc/sysctl.d/60-fauxroot.conf && sudo "
		 "sysctl --system; or fewer --copy-up",
		 .files = {{"/proc/sys/fs/mount-max", "100\n", 0}}},
	};

	(void)state;
	check_failures(cases, ARRAY_SIZE(cases));
}

static void confinement(void **state)
{
	static const struct failure cases[] = {
		{STEP_PROC, EPERM, "mounting proc, for the PID namespace, on /proc",
		 "parts of /proc are masked here (/proc/kcore /proc/sys), and the kernel mounts no "
		 "other proc where none is wholly visible",
		 "docker run --security-opt systempaths=unconfined …; podman run --security-opt "
		 "unmask=ALL …; in Kubernetes securityContext.procMount: Unmasked (hostUsers: "
		 "false in the pod); lxc config set NAME security.nesting=true; or without --pidns "
		 "(and for buildkitd --oci-worker-no-process-sandbox)",
		 .files = {{"/proc/self/mountinfo",
			    "22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n"
			    "23 22 0:8 / /proc rw - proc proc rw\n"
			    "24 23 0:9 / /proc/sys/fs/binfmt_misc rw - autofs x rw\n"
			    "25 23 0:7 /null /proc/kcore rw - devtmpfs udev rw\n"
			    "26 23 0:8 /sys /proc/sys ro - proc proc rw\n",
			    0}}},
		{STEP_PROC, EPERM, "mounting proc, for the PID namespace, on /proc", NULL, NULL,
		 .files = {{"/proc/self/mountinfo",
			    "22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n"
			    "23 22 0:8 / /proc rw - proc proc rw\n"
			    "24 23 0:9 / /proc/sys/fs/binfmt_misc rw - autofs x rw\n",
			    0}}},
		{STEP_MOUNT, EACCES, "setting the mount propagation to rprivate",
		 "SELinux enforces its policy (/sys/fs/selinux/enforce: 1) on this process "
		 "(system_u:system_r:container_t:s0:c1,c2)",
		 "docker run --security-opt label=disable …; in Kubernetes "
		 "securityContext.seLinuxOptions.type: spc_t; sudo ausearch -m avc -ts recent "
		 "shows what it refused",
		 .files = {{"/sys/fs/selinux/enforce", "1", 0},
			   {"/proc/self/attr/current", "system_u:system_r:container_t:s0:c1,c2\n",
			    0}}},
		{STEP_MOUNT, EACCES, "setting the mount propagation to rprivate", NULL, NULL,
		 .files = {{"/sys/fs/selinux/enforce", "0", 0}}},
	};

	(void)state;
	check_failures(cases, ARRAY_SIZE(cases));
}

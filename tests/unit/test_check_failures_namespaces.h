/* SPDX-License-Identifier: Apache-2.0 */
/* For test_check_explain.c: clone(2), limits, confinement. */
#pragma once

#include "test_check_failure.h"

static const struct failure namespace_failures[] = {
	{STEP_CLONE, EPERM, "clone", NULL, NULL, .files = {{0}}},
	{STEP_CLONE, EPERM, "clone",
	 "/proc/sys/kernel/unprivileged_userns_clone is 0: only root may create user namespaces",
	 "echo kernel.unprivileged_userns_clone=1 | sudo tee -a "
	 "/etc/sysctl.d/60-fauxroot.conf && sudo sysctl --system",
	 .files = {{"/proc/sys/kernel/unprivileged_userns_clone", "0\n", 0}}},
	{STEP_CLONE, EACCES, "clone",
	 "/proc/sys/kernel/apparmor_restrict_unprivileged_userns is 1: a program without an "
	 "AppArmor profile that allows userns has no capabilities in a user namespace",
	 "printf 'abi <abi/4.0>,\\ninclude <tunables/global>\\nprofile fauxroot \"%s\" "
	 "flags=(unconfined) {\\n userns,\\n}\\n' /opt/fauxroot/bin/fauxroot | sudo tee "
	 "/etc/apparmor.d/fauxroot && sudo apparmor_parser -r /etc/apparmor.d/fauxroot",
	 .files = {{"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n", 0}}},
	/* Later, at the first operation that needs a capability. */
	{STEP_MOUNT, EPERM, "setting the mount propagation to rprivate",
	 "/proc/sys/kernel/apparmor_restrict_unprivileged_userns is 1: a program without an "
	 "AppArmor profile that allows userns has no capabilities in a user namespace",
	 "printf 'abi <abi/4.0>,\\ninclude <tunables/global>\\nprofile fauxroot \"%s\" "
	 "flags=(unconfined) {\\n userns,\\n}\\n' /opt/fauxroot/bin/fauxroot | sudo tee "
	 "/etc/apparmor.d/fauxroot && sudo apparmor_parser -r /etc/apparmor.d/fauxroot",
	 .files = {{"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n", 0}}},
	/* With a profile of our own, the cause is another one. */
	{STEP_MOUNT, EPERM, "setting the mount propagation to rprivate", NULL, NULL,
	 .files = {{"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n", 0},
		   {"/proc/self/attr/current", "fauxroot (unconfined)\n", 0}}},
	{STEP_CLONE, EPERM, "clone",
	 "a file system of type ext4 is mounted over /, and this process is still below it, where "
	 "the kernel creates no user namespaces",
	 "sudo umount /",
	 .files = {{"/proc/self/mountinfo",
		    "22 1 8:1 / / rw - xfs x rw\n23 22 8:1 / / rw - ext4 x rw\n", 0}}},
	{STEP_CLONE, EPERM, "clone",
	 "this process is in a chroot (/proc/self/mountinfo has no mount at /), where the kernel "
	 "creates no user namespaces",
	 "enter the directory with pivot_root(2), as containers and systemd-nspawn do",
	 .files = {{"/proc/self/mountinfo", "22 1 8:1 /srv /proc rw - proc proc rw\n", 0}}},
	{STEP_CLONE, EPERM, "clone",
	 "our gid 1000 is not in /proc/self/gid_map: a process whose id is not mapped cannot "
	 "create a user namespace",
	 "run the container as a user that is in its id map",
	 .files = {{"/proc/self/gid_map", "0 100000 1000\n", 0}}},
	{STEP_CLONE, EPERM, "clone",
	 "this process has a seccomp filter (/proc/self/status: Seccomp: 2); the filters of "
	 "container engines and of systemd's RestrictNamespaces= refuse namespaces and mounts",
	 "in a systemd unit, set RestrictNamespaces=no\ndocker run --security-opt "
	 "seccomp=unconfined …\nin Kubernetes, set securityContext.seccompProfile.type: Unconfined",
	 .files = {{"/proc/self/status", "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nSeccomp:\t2\n", 0}}},
	{STEP_CLONE, EPERM, "clone",
	 "this process runs in a Flatpak (/.flatpak-info), which forbids namespaces",
	 "flatpak-spawn --host fauxroot … # runs it on the host",
	 .files = {{"/.flatpak-info", "", 0}}},
	{STEP_CLONE, EACCES, "clone",
	 "AppArmor confines this process (/proc/self/attr/apparmor/current: docker-default "
	 "(enforce))",
	 "docker run --security-opt apparmor=unconfined …\nin Kubernetes, set "
	 "securityContext.appArmorProfile.type: Unconfined\nlxc config set NAME "
	 "security.nesting=true",
	 .files = {{"/proc/self/attr/apparmor/current", "docker-default (enforce)\n", 0}}},
	{STEP_CLONE, EACCES, "clone",
	 "the AppArmor profile /usr/bin/fauxroot confines fauxroot "
	 "(/proc/self/attr/apparmor/current: /usr/bin/fauxroot (enforce))",
	 "printf %s /usr/bin/fauxroot | sudo tee /sys/kernel/security/apparmor/.remove # removes "
	 "the profile until the next boot; to keep the profile, add \"userns,\" and \"mount,\" to "
	 "it instead",
	 .files = {{"/proc/self/attr/apparmor/current", "/usr/bin/fauxroot (enforce)\n", 0}}},
	/* The shell that started fauxroot has this profile. */
	{STEP_MOUNT, EACCES, "mount",
	 "the AppArmor profile cage confines fauxroot (/proc/self/attr/apparmor/current: cage "
	 "(enforce))",
	 "printf %s cage | sudo tee /sys/kernel/security/apparmor/.remove # removes the profile "
	 "until the next boot; to keep the profile, add \"userns,\" and \"mount,\" to it instead",
	 .files = {{"/proc/self/attr/apparmor/current", "cage (enforce)\n", 0}}},
	{STEP_CLONE, ENOSPC, "clone",
	 "/proc/sys/user/max_user_namespaces is 0: a launch creates two nested user namespaces",
	 "echo user.max_user_namespaces=28633 | sudo tee -a /etc/sysctl.d/60-fauxroot.conf && sudo "
	 "sysctl --system # in Kubernetes: on the node\nin Bottlerocket, set "
	 "settings.kernel.sysctl.\"user.max_user_namespaces\"=\"28633\"",
	 .files = {{"/proc/sys/user/max_user_namespaces", "0\n", 0}}},
	{STEP_CLONE, ENOSPC, "below the middle user namespace: clone",
	 "/proc/sys/user/max_user_namespaces is 1: a launch creates two nested user namespaces",
	 "echo user.max_user_namespaces=28633 | sudo tee -a /etc/sysctl.d/60-fauxroot.conf && sudo "
	 "sysctl --system # in Kubernetes: on the node\nin Bottlerocket, set "
	 "settings.kernel.sysctl.\"user.max_user_namespaces\"=\"28633\"",
	 .files = {{"/proc/sys/user/max_user_namespaces", "1\n", 0}}},
	{STEP_CLONE, ENOSPC, "clone",
	 "/proc/sys/user/max_net_namespaces is 0: the kernel creates no such namespace",
	 "echo user.max_net_namespaces=28633 | sudo tee -a /etc/sysctl.d/60-fauxroot.conf && sudo "
	 "sysctl --system\nuse --net=host",
	 .files = {{"/proc/sys/user/max_net_namespaces", "0\n", 0}}, .ask = ask_network},
	/* The options request no network namespace. */
	{STEP_CLONE, ENOSPC, "clone",
	 "one of the limits in /proc/sys/user (max_user_namespaces 63000) is used up by this user, "
	 "or an outer user namespace has a lower one, or user namespaces are nested too deep: "
	 "there are 32 levels, and a launch needs two",
	 "lsns # lists the namespaces and their processes\nsudo sysctl -w "
	 "user.max_user_namespaces=N # raise the other limits in the same way\nstart fauxroot in a "
	 "less deeply "
	 "nested user namespace",
	 .files = {{"/proc/sys/user/max_net_namespaces", "0\n", 0}}},
	{STEP_CLONE, ENOSPC, "clone",
	 "/proc/sys/user/max_uts_namespaces is 0: the kernel creates no such namespace",
	 "echo user.max_uts_namespaces=28633 | sudo tee -a /etc/sysctl.d/60-fauxroot.conf && sudo "
	 "sysctl --system\nomit --utsns",
	 .files = {{"/proc/sys/user/max_pid_namespaces", "9\n", 0},
		   {"/proc/sys/user/max_uts_namespaces", "0\n", 0}},
	 .ask = ask_namespaces},
	{STEP_CLONE, ENOSPC, "clone",
	 "/proc/sys/user/max_mnt_namespaces is 0: the kernel creates no such namespace",
	 "echo user.max_mnt_namespaces=28633 | sudo tee -a /etc/sysctl.d/60-fauxroot.conf && "
	 "sudo sysctl --system",
	 .files = {{"/proc/sys/user/max_mnt_namespaces", "0\n", 0}}},
	{STEP_CLONE, ENOSPC, "clone",
	 "one of the limits in /proc/sys/user (max_user_namespaces 3, max_mnt_namespaces 9, "
	 "max_net_namespaces 8) is used up by this user, or an outer user namespace has a lower "
	 "one, or user namespaces are nested too deep: there are 32 levels, and a launch needs two",
	 "lsns # lists the namespaces and their processes\nsudo sysctl -w "
	 "user.max_user_namespaces=N # raise the other limits in the same way\nstart fauxroot in a "
	 "less deeply "
	 "nested user namespace",
	 .files = {{"/proc/sys/user/max_user_namespaces", "3\n", 0},
		   {"/proc/sys/user/max_mnt_namespaces", "9\n", 0},
		   {"/proc/sys/user/max_net_namespaces", "8\n", 0},
		   {"/proc/sys/user/max_pid_namespaces", "7\n", 0}},
	 .ask = ask_network},
	{STEP_CLONE, EINVAL, "clone",
	 "this kernel has no user namespaces: there is no /proc/self/ns/user",
	 "use a kernel with CONFIG_USER_NS=y", .files = {{"/proc/self/ns/user", NULL, 0}}},
};

/* The remedies for a masked /proc, by the mark of the container runtime. */
static void remedies_of_runtimes(void **state)
{
	static const char without[] =
		"omit --pidns # for buildkitd, add --oci-worker-no-process-sandbox";
	static const struct {
		const char *mark, *text, *remedy;
	} cases[] = {
		{"/.dockerenv", "", "docker run --security-opt systempaths=unconfined …\n"},
		{"/run/.containerenv", "", "podman run --security-opt unmask=ALL …\n"},
		{"/var/run/secrets/kubernetes.io/x", "",
		 "in Kubernetes, set securityContext.procMount: Unmasked, and hostUsers: false in "
		 "the pod\n"},
		{"/dev/lxd/sock", "", "lxc config set NAME security.nesting=true\n"},
		{"/dev/incus/sock", "", "incus config set NAME security.nesting=true\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char remedy[256];
		const struct failure f = {
			.step = STEP_PROC,
			.code = EPERM,
			.text = "mounting proc, for the PID namespace, on /proc",
			.cause = "parts of /proc are masked here (/proc/kcore); the kernel then "
				 "refuses to mount another proc",
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

/* Limits of resources can make any step fail. */
static void limits(void **state)
{
	static const struct failure cases[] = {
		{STEP_NONE, EMFILE, "creating a socket pair",
		 "a process may have 64 descriptors open (/proc/self/limits, Max open files); it "
		 "may raise this limit to 4096; a launch needs up to 64",
		 "ulimit -n 4096", .files = {{"/proc/self/limits", LIMITS("64", "4096", "1"), 0}}},
		{STEP_MOUNT, EMFILE, "opening /etc",
		 "a process may have 64 descriptors open (/proc/self/limits, Max open files); it "
		 "may raise this limit to 65536; a launch needs up to 64",
		 "ulimit -n 65536",
		 .files = {{"/proc/self/limits", LIMITS("64", "unlimited", "1"), 0}}},
		{STEP_PORT, ETOOMANYREFS, "sending an order to the port forwarder",
		 "a process may have 64 descriptors open (/proc/self/limits, Max open files); it "
		 "may raise this limit to 4096; a launch needs up to 64",
		 "ulimit -n 4096", .files = {{"/proc/self/limits", LIMITS("64", "4096", "1"), 0}}},
		{STEP_IDMAP, EMFILE, "reading /etc/subuid",
		 "a process may have 64 descriptors open (/proc/self/limits, Max open files); a "
		 "launch needs up to 64",
		 "echo alice - nofile 65536 | sudo tee -a /etc/security/limits.d/60-fauxroot.conf "
		 "# "
		 "then log in again\nin a systemd unit, set LimitNOFILE=65536\ndocker run --ulimit "
		 "nofile=65536 …",
		 .reason = REASON_FILE, .about = "/etc/subuid",
		 .files = {{"/proc/self/limits", LIMITS("64", "64", "1"), 0}}},
		{STEP_STATEDIR, EFBIG, "writing \"/tmp/x/child_pid\": File too large",
		 "a process may write files of 0 bytes (/proc/self/limits, Max file size)",
		 "ulimit -f unlimited # in a new login session, if the hard limit is low, too\n"
		 "in a systemd unit, set LimitFSIZE=infinity",
		 .reason = REASON_FILE, .about = "/tmp/x/child_pid",
		 .files = {{"/proc/self/limits", "Max file size  0  0  bytes\n", 0}}},
		{STEP_STATEDIR, EFBIG, "writing \"/tmp/x/child_pid\": File too large", NULL, NULL,
		 .reason = REASON_FILE, .about = "/tmp/x/child_pid",
		 .files = {{"/proc/self/limits", "Max file size  unlimited  unlimited  bytes\n",
			    0}}},
		{STEP_NONE, EMFILE, "creating a socket pair", NULL, NULL,
		 .files = {{"/proc/self/limits", NULL, 0}}},
		{STEP_CLONE, EAGAIN, "clone",
		 "alice may have 63000 processes and threads (/proc/self/limits, Max processes)",
		 "echo alice - nproc 65536 | sudo tee -a /etc/security/limits.d/60-fauxroot.conf # "
		 "then log in again\nin a systemd unit, set LimitNPROC=65536",
		 .files = {{0}}},
		{STEP_CLONE, EAGAIN, "clone", NULL, NULL,
		 .files = {{"/proc/self/limits", LIMITS("1", "1", "unlimited"), 0}}},
		{STEP_IDMAP, EAGAIN, "forking newuidmap",
		 "the cgroup has reached its limit of processes, 33 "
		 "(/sys/fs/cgroup/user.slice/pids.max)",
		 "in a systemd unit, set TasksMax=infinity\ndocker run --pids-limit=-1 …\nin "
		 "Kubernetes, raise podPidsLimit of the kubelet",
		 .reason = REASON_DIED, .about = "newuidmap",
		 .files = {{"/sys/fs/cgroup/user.slice/pids.max", "33\n", 0},
			   {"/sys/fs/cgroup/user.slice/pids.events", "max 1\n", 0}}},
		{STEP_CLONE, EINVAL, "clone",
		 "/proc/sys/kernel/osrelease is 4.18.0-553.el8.x86_64: fauxroot needs Linux 5.10 "
		 "or newer",
		 "install a newer kernel\nreboot, if a newer kernel is installed already",
		 .files = {{"/proc/sys/kernel/osrelease", "4.18.0-553.el8.x86_64\n", 0}}},
		{STEP_MOUNT, ENOSYS, "open_tree",
		 "/proc/sys/kernel/osrelease is 5.9.16: fauxroot needs Linux 5.10 or newer",
		 "install a newer kernel\nreboot, if a newer kernel is installed already",
		 .files = {{"/proc/sys/kernel/osrelease", "5.9.16\n", 0}}},
		{STEP_MOUNT, ENOSYS, "open_tree", NULL, NULL,
		 .files = {{"/proc/sys/kernel/osrelease", "5.10.0\n", 0}}},
		{STEP_MOUNT, ENOSPC, "mounting a tmpfs",
		 "/proc/sys/fs/mount-max is 100: a mount namespace cannot have more mounts",
		 "echo fs.mount-max=200000 | sudo tee -a /etc/sysctl.d/60-fauxroot.conf && sudo "
		 "sysctl --system\nuse fewer --copy-up options",
		 .files = {{"/proc/sys/fs/mount-max", "100\n", 0}}},
	};

	(void)state;
	check_failures(cases, ARRAY_SIZE(cases));
}

static void confinement(void **state)
{
	static const struct failure cases[] = {
		{STEP_PROC, EPERM, "mounting proc, for the PID namespace, on /proc",
		 "parts of /proc are masked here (/proc/kcore /proc/sys); the kernel then refuses "
		 "to mount another proc",
		 "omit --pidns # for buildkitd, add --oci-worker-no-process-sandbox\ndocker run "
		 "--security-opt systempaths=unconfined …\npodman run --security-opt unmask=ALL "
		 "…\nin Kubernetes, set securityContext.procMount: Unmasked, and hostUsers: false "
		 "in the pod\nlxc config set NAME security.nesting=true",
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
		 "sudo ausearch -m avc -ts recent # lists what SELinux refused\ndocker run "
		 "--security-opt label=disable …\nin Kubernetes, set "
		 "securityContext.seLinuxOptions.type: spc_t",
		 .files = {{"/sys/fs/selinux/enforce", "1", 0},
			   {"/proc/self/attr/current", "system_u:system_r:container_t:s0:c1,c2\n",
			    0}}},
		{STEP_MOUNT, EACCES, "setting the mount propagation to rprivate", NULL, NULL,
		 .files = {{"/sys/fs/selinux/enforce", "0", 0}}},
	};

	(void)state;
	check_failures(cases, ARRAY_SIZE(cases));
}

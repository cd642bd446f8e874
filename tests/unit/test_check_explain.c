/* SPDX-License-Identifier: Apache-2.0 */
/* Causes and remedies, each found on a machine made of a few files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "check/cause.h"
#include "fake_machine.h"

#define NO_RANGES "user \"alice\" (uid 1000) has no subordinate user ids: no line in /etc/subuid"
#define FIX_TUN	  "sudo modprobe tun && echo tun | sudo tee /etc/modules-load.d/tun.conf"

struct failure {
	enum error_step step;
	int code;
	const char *text;
	const char *cause; /* NULL: nothing is known */
	const char *remedy;
	struct file files[MAX_FILES];
	const char *command;	     /* NULL: "tool" */
	const char *xdg_runtime_dir; /* NULL: not set */
	const char *state_dir;
};

static void check_failure(const struct failure *f)
{
	char *command[] = {(char *)(uintptr_t)(f->command ? f->command : "tool"), NULL};
	struct error err = {.step = f->step, .code = f->code};
	struct explanation why = {"", ""};
	struct config config;
	struct fake fake;
	bool known;

	make_fake(&fake, f->files);
	config_init(&config);
	config.command = command;
	config.state_dir = f->state_dir;
	setenv("PATH", "/usr/local/bin:/usr/bin", 1);
	if (f->xdg_runtime_dir)
		setenv("XDG_RUNTIME_DIR", f->xdg_runtime_dir, 1);
	else
		unsetenv("XDG_RUNTIME_DIR");
	snprintf(err.text, sizeof(err.text), "%s", f->text);
	known = explain(&err, &config, &fake.machine, &why);
	clear_fake(&fake);
	if (known != (f->cause != NULL) ||
	    (known && (!streq(why.cause, f->cause) || !strstr(why.remedy, f->remedy))))
		fail_msg("%s, %s:\ncause: %s\nremedy: %s\nexpected: %s\nremedy: %s", f->text,
			 strerror(f->code), why.cause, why.remedy, f->cause, f->remedy);
}

static void check_failures(const struct failure *failures, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check_failure(&failures[i]);
}

static void namespaces(void **state)
{
	static const struct failure cases[] = {
		{STEP_CLONE, EPERM, "clone", NULL, NULL, .files = {{0}}},
		{STEP_CLONE, EPERM, "clone",
		 "/proc/sys/kernel/unprivileged_userns_clone is 0: only root may make user "
		 "namespaces",
		 "echo kernel.unprivileged_userns_clone=1 | sudo tee",
		 .files = {{"/proc/sys/kernel/unprivileged_userns_clone", "0\n", 0}}},
		{STEP_CLONE, EACCES, "clone",
		 "/proc/sys/kernel/apparmor_restrict_unprivileged_userns is 1: without an AppArmor "
		 "profile that says userns, a program has no rights in a user namespace",
		 "printf 'abi <abi/4.0>,\\ninclude <tunables/global>\\nprofile fauxroot "
		 "/opt/fauxroot/bin/fauxroot flags=(unconfined) {\\n userns,\\n}\\n' | sudo tee ",
		 .files = {{"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n", 0}}},
		/* Later, at the first thing that needs a capability. */
		{STEP_MOUNT, EPERM, "making the mounts rprivate",
		 "/proc/sys/kernel/apparmor_restrict_unprivileged_userns is 1: without an AppArmor "
		 "profile that says userns, a program has no rights in a user namespace",
		 "profile fauxroot",
		 .files = {{"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n", 0}}},
		/* With a profile it must be something else. */
		{STEP_MOUNT, EPERM, "making the mounts rprivate", NULL, NULL,
		 .files = {{"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n", 0},
			   {"/proc/self/attr/current", "fauxroot (unconfined)\n", 0}}},
		{STEP_CLONE, EPERM, "clone",
		 "this process is in a chroot (/proc/self/mountinfo has no mount at /), where the "
		 "kernel makes no user namespaces",
		 "pivot_root",
		 .files = {{"/proc/self/mountinfo", "22 1 8:1 /srv /proc rw - proc proc rw\n", 0}}},
		{STEP_CLONE, EPERM, "clone",
		 "our gid 1000 is not in /proc/self/gid_map: who has no id in the user namespace "
		 "it "
		 "is in can make no other",
		 "its own id map", .files = {{"/proc/self/gid_map", "0 100000 1000\n", 0}}},
		{STEP_CLONE, EPERM, "clone",
		 "a seccomp filter is on this process (/proc/self/status: Seccomp: 2), as "
		 "container "
		 "engines and systemd's RestrictNamespaces= set one that refuses namespaces and "
		 "mounts",
		 "docker run --security-opt seccomp=unconfined",
		 .files = {{"/proc/self/status",
			    "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nSeccomp:\t2\n", 0}}},
		{STEP_CLONE, EACCES, "clone",
		 "AppArmor confines this process (/proc/self/attr/apparmor/current: docker-default "
		 "(enforce))",
		 "apparmor=unconfined",
		 .files = {{"/proc/self/attr/apparmor/current", "docker-default (enforce)\n", 0}}},
		{STEP_CLONE, ENOSPC, "clone",
		 "/proc/sys/user/max_user_namespaces is 0: user namespaces are switched off",
		 "echo user.max_user_namespaces=28633 | sudo tee",
		 .files = {{"/proc/sys/user/max_user_namespaces", "0\n", 0}}},
		{STEP_CLONE, ENOSPC, "clone",
		 "/proc/sys/user/max_net_namespaces is 0: no network namespace can be made",
		 "user.max_net_namespaces=28633",
		 .files = {{"/proc/sys/user/max_net_namespaces", "0\n", 0}}},
		{STEP_CLONE, ENOSPC, "clone",
		 "/proc/sys/user/max_mnt_namespaces is 0: no mount namespace can be made",
		 "user.max_mnt_namespaces=28633",
		 .files = {{"/proc/sys/user/max_mnt_namespaces", "0\n", 0}}},
		{STEP_CLONE, ENOSPC, "clone",
		 "/proc/sys/user/max_user_namespaces is 3: so many are in use by this user, or an "
		 "outer user namespace allows fewer, or 32 are nested already",
		 "lsns -t user", .files = {{"/proc/sys/user/max_user_namespaces", "3\n", 0}}},
		{STEP_CLONE, EUSERS, "clone",
		 "user namespaces are nested 32 deep already (man 7 user_namespaces)",
		 "fewer levels", .files = {{0}}},
		{STEP_CLONE, EINVAL, "clone",
		 "this kernel has no user namespaces: there is no /proc/self/ns/user",
		 "CONFIG_USER_NS=y", .files = {{"/proc/self/ns/user", NULL, 0}}},
	};

	(void)state;
	check_failures(cases, ARRAY_SIZE(cases));
}

static void cgroups(void **state)
{
	static const char line[] = "4:memory:/x\n0::/user.slice/session-1.scope\n";
	static const struct failure cases[] = {
		{STEP_CGROUP, EACCES, "the cgroup: Permission denied",
		 "our cgroup, /user.slice/session-1.scope in /proc/self/cgroup, has not been "
		 "delegated to this user",
		 "systemd-run --user --scope -p Delegate=yes",
		 .files = {{"/proc/self/cgroup", line, 0}}},
		{STEP_CGROUP, EPERM, "the cgroup is the root",
		 "our cgroup, / in /proc/self/cgroup, has not been delegated to this user",
		 "Delegate=yes", .files = {{"/proc/self/cgroup", "0::/\n", 0}}},
		{STEP_CGROUP, ENODEV, "finding our cgroup",
		 "this machine has no cgroup v2, or does not mount it",
		 "systemd.unified_cgroup_hierarchy=1", .files = {{0}}},
		{STEP_CGROUP, ENODEV, "finding our cgroup",
		 "this container shows no cgroup v2 of its own", "--cgroupns=private",
		 .files = {{"/.dockerenv", "", 0}}},
		{STEP_CGROUP, EBUSY, "moving process 1", NULL, NULL, .files = {{0}}},
	};

	(void)state;
	check_failures(cases, ARRAY_SIZE(cases));
}

static void mappers(void **state)
{
	static const char wrote[] = "newuidmap: write to uid_map failed: Operation not permitted "
				    "(exit status 1)";
	static const char wrote_gid[] = "newgidmap: write to gid_map failed: Operation not "
					"permitted (exit status 1)";
	const struct failure cases[] = {
		{STEP_IDMAP, EPERM, wrote, NULL, NULL, .files = {{0}}},
		{STEP_IDMAP, ENOENT, "executing \"newuidmap\": No such file or directory",
		 "newuidmap is not in PATH (/usr/local/bin:/usr/bin)",
		 "sudo apt-get install uidmap", .files = {{"/usr/bin/newuidmap", NULL, 0}}},
		{STEP_IDMAP, ENOENT, "executing \"newgidmap\": No such file or directory",
		 "newgidmap is not in PATH (/usr/local/bin:/usr/bin)",
		 "sudo dnf install shadow-utils",
		 .files = {{"/usr/bin/newgidmap", NULL, 0},
			   {"/etc/os-release", "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n",
			    0}}},
		{STEP_IDMAP, ENOENT, "executing \"getsubids\": No such file or directory",
		 "getsubids, which asks the source that nsswitch.conf names for subordinate ids, "
		 "is "
		 "not in PATH",
		 "sudo zypper install shadow; or --subid-source=static",
		 .files = {{"/etc/os-release", "NAME=x\nID=mine\nID_LIKE='suse opensuse'\n", 0}}},
		{STEP_IDMAP, EPERM, wrote,
		 "no_new_privs is set on this process (/proc/self/status: NoNewPrivs: 1), so "
		 "/usr/bin/newuidmap gains no privileges",
		 "allowPrivilegeEscalation: true",
		 .files = {{"/proc/self/status",
			    "Uid:\t1000\t1000\t1000\t1000\nGid:"
			    "\t1000\t1000\t1000\t1000\nNoNewPrivs:\t1\n",
			    0}}},
		{STEP_IDMAP, EPERM, wrote_gid,
		 "/usr/bin/newgidmap is on /usr, which is mounted nosuid, so it gains no "
		 "privileges",
		 "sudo mount -o remount,suid /usr",
		 .files = {{"/proc/self/mountinfo",
			    "22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n"
			    "23 22 8:1 / /usr rw,relatime - ext4 /dev/sda1 rw\n"
			    "24 23 8:1 / /usr/b rw,relatime - ext4 /dev/sda1 rw\n"
			    "25 23 8:2 / /usr rw,nosuid,nodev - ext4 /dev/sda2 rw\n",
			    0}}},
		{STEP_IDMAP, EPERM, wrote,
		 "/usr/bin/newuidmap has neither the set-user-ID bit nor file capabilities",
		 "sudo chmod u+s /usr/bin/newuidmap",
		 .files = {{"/usr/bin/newuidmap", "ELF", 0755}}},
		{STEP_IDMAP, EPERM, "newuidmap: Could not set caps (exit status 1)",
		 "CAP_SETUID is outside of our capability bounding set (/proc/self/status: CapBnd: "
		 "000001ffffffff7f), so newuidmap cannot have it either",
		 "--cap-add SETUID",
		 .files = {{"/proc/self/status",
			    "Uid:\t1000\t1000\t1000\t1000\nCapBnd:\t000001ffffffff7f\n", 0}}},
		{STEP_IDMAP, EPERM, wrote_gid,
		 "CAP_SETGID is outside of our capability bounding set (/proc/self/status: CapBnd: "
		 "000001ffffffffbf), so newgidmap cannot have it either",
		 "--cap-add SETGID",
		 .files = {{"/proc/self/status",
			    "Uid:\t1000\t1000\t1000\t1000\nCapBnd:\t000001ffffffffbf\n", 0}}},
		{STEP_IDMAP, EPERM, wrote, NULL, NULL,
		 .files = {{"/proc/self/status", "Uid:\t0\t0\t0\t0\nCapBnd:\t00000000a80425fb\n",
			    0}}},
		{STEP_IDMAP, EPERM, wrote,
		 "CAP_SETFCAP is outside of our capability bounding set (/proc/self/status: "
		 "CapBnd: "
		 "00000000280425fb); mapping the outer uid 0 needs it since Linux 5.12",
		 "--cap-add SETFCAP",
		 .files = {{"/proc/self/status", "Uid:\t0\t0\t0\t0\nCapBnd:\t00000000280425fb\n",
			    0}}},
		{STEP_IDMAP, EPERM, wrote,
		 "100000:65536 of /etc/subuid, line 1, is not within the ids of the user namespace "
		 "we are in (/proc/self/uid_map)",
		 "security.idmap.size",
		 .files = {{"/proc/self/uid_map", "0 1000 1\n1 100000 65536\n", 0},
			   {"/proc/self/gid_map", "0 1000 1\n1 100000 65536\n", 0}}},
		{STEP_IDMAP, EPERM, wrote_gid,
		 "100000:65536 of /etc/subgid, line 1, is not within the ids of the user namespace "
		 "we are in (/proc/self/gid_map)",
		 "/etc/subgid",
		 .files = {{"/proc/self/gid_map", "0 1000 1\n1 100000 100000\n100001 0 10\n", 0}}},
		/* In two adjacent extents it is whole. */
		{STEP_IDMAP, EPERM, wrote_gid, NULL, NULL,
		 .files = {{"/proc/self/gid_map", "0 1000 1\n1 100000 100000\n100001 0 100000\n",
			    0}}},
		{STEP_IDMAP, EPERM,
		 "newuidmap: uid range [1-65537) -> [100000-165536) not allowed (exit status 1)",
		 "/etc/nsswitch.conf has \"subid: sss\": newuidmap goes by that source, and it "
		 "does "
		 "not give us these ranges",
		 "--subid-source=dynamic",
		 .files = {{"/etc/nsswitch.conf", "passwd: files\nsubid: sss\n", 0}}},
	};

	(void)state;
	check_failures(cases, ARRAY_SIZE(cases));
}

static void ranges(void **state)
{
	static const struct failure cases[] = {
		{STEP_IDMAP, EINVAL, "two ranges overlap",
		 "/etc/subuid has alice:100000:65536; 1000:150000:65536; /etc/subgid has 1000:7:1",
		 "free on this machine is alice:215536:65536",
		 .files = {{"/etc/subuid",
			    "bob:1:2\nalice:100000:65536\n1000:150000:65536\nalicex:1:2\n", 0},
			   {"/etc/subgid", "1000:7:1\n", 0}}},
		{STEP_IDMAP, ENOENT, NO_RANGES,
		 "neither /etc/subuid nor /etc/subgid has a line for alice or 1000",
		 "sudo usermod --add-subuids 165546-231081 --add-subgids 165546-231081 alice; or "
		 "--idmap=single",
		 .files = {{"/etc/subuid", "bob:100000:65536\n", 0},
			   {"/etc/subgid", "bob:100000:65536\ncarol:165536:10\n", 0}}},
		{STEP_IDMAP, ENOENT, NO_RANGES,
		 "neither /etc/subuid nor /etc/subgid has a line for alice or 1000",
		 "sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 alice",
		 .files = {{"/etc/subuid", NULL, 0}, {"/etc/subgid", NULL, 0}}},
		{STEP_IDMAP, ENOENT, NO_RANGES, "/etc/subuid has no line for alice or 1000",
		 "sudo usermod --add-subuids 165536-231071 alice",
		 .files = {{"/etc/subuid", "bob:100000:65536\n", 0}}},
		{STEP_IDMAP, ENOENT,
		 "user \"alice\" (uid 1000) has no subordinate group ids: no line in /etc/subgid",
		 "/etc/subgid has no line for alice or 1000",
		 "sudo usermod --add-subgids 165536-231071 alice",
		 .files = {{"/etc/subgid", "bob:100000:65536\n", 0}}},
		{STEP_IDMAP, ENOENT, NO_RANGES,
		 "no line for uid 1000 in /etc/subuid and /etc/subgid, nor does /etc/passwd have "
		 "that uid",
		 "echo 1000:100000:65536 | sudo tee -a /etc/subuid /etc/subgid",
		 .files = {{"/etc/passwd", "root:x:0:0::/root:/bin/sh\n", 0},
			   {"/etc/subuid", "", 0},
			   {"/etc/subgid", "", 0}}},
		{STEP_IDMAP, ENOENT,
		 "user \"alice\" (uid 1000) has no subordinate user ids: getsubids printed none",
		 "/etc/nsswitch.conf has \"subid: sss\", and that source has no ranges for alice",
		 "ipa subid-generate",
		 .files = {{"/etc/nsswitch.conf", "subid: sss\n", 0},
			   {"/etc/subuid", "", 0},
			   {"/etc/subgid", "", 0}}},
	};

	(void)state;
	check_failures(cases, ARRAY_SIZE(cases));
}

static void state_directories(void **state)
{
	static const struct failure cases[] = {
		{STEP_STATEDIR, EBUSY,
		 "state directory \"/run/x\": is in use by process 4711 (fauxroot sleep 9)",
		 "a state directory belongs to one instance at a time, and process 4711 has it",
		 "kill 4711", .files = {{0}}},
		{STEP_STATEDIR, EBUSY, "state directory \"/run/x\": is in use by another process",
		 "a state directory belongs to one instance at a time", "another --state-dir",
		 .files = {{0}}},
		{STEP_STATEDIR, ENAMETOOLONG, "too long",
		 "the path of a UNIX socket has at most 107 bytes (man 7 unix)",
		 "a shorter --state-dir", .files = {{0}}},
		{STEP_STATEDIR, EACCES, "making a state directory",
		 "XDG_RUNTIME_DIR is not set, though /run/user/1000 is there",
		 "export XDG_RUNTIME_DIR=/run/user/1000", .files = {{"/run/user/1000/", "", 0}}},
		{STEP_STATEDIR, EACCES, "making a state directory",
		 "XDG_RUNTIME_DIR is not set and /run/user/1000 is missing: alice has no login "
		 "session",
		 "sudo loginctl enable-linger alice", .files = {{0}}},
		{STEP_STATEDIR, EACCES, "making a state directory", NULL, NULL, .files = {{0}},
		 .state_dir = "/elsewhere"},
		/* Files of this test belong to whoever runs it, who is not uid 4242. */
		{STEP_STATEDIR, EACCES, "state directory", NULL, NULL,
		 .files = {{"/run/user/7/", "", 0},
			   {"/proc/self/status", "Uid:\t4242\t4242\t4242\t4242\n", 0}},
		 .xdg_runtime_dir = "/run/user/7", .state_dir = "/elsewhere"},
	};

	(void)state;
	check_failures(cases, ARRAY_SIZE(cases));
}

static void foreign_runtime_directory(void **state)
{
	struct failure f = {.step = STEP_STATEDIR,
			    .code = EACCES,
			    .text = "making a state directory",
			    .files = {{"/run/user/7/", "", 0},
				      {"/proc/self/status", "Uid:\t4242\t4242\t4242\t4242\n", 0}},
			    .remedy = "XDG_RUNTIME_DIR=/run/user/4242",
			    .xdg_runtime_dir = "/run/user/7",
			    .state_dir = "/run/user/7/fauxroot"};
	char cause[256];

	(void)state;
	snprintf(
		cause, sizeof(cause),
		"XDG_RUNTIME_DIR is /run/user/7, which belongs to uid %u, as after su or sudo from "
		"that user's session",
		geteuid());
	f.cause = cause;
	check_failure(&f);
}

static void devices_and_helpers(void **state)
{
	static const struct failure cases[] = {
		{STEP_TUN, ENOENT, "opening /dev/net/tun", "there is no /dev/net/tun", FIX_TUN,
		 .files = {{"/dev/net/tun", NULL, 0}}},
		{STEP_TUN, ENOENT, "opening /dev/net/tun", "this container has no /dev/net/tun",
		 "--device /dev/net/tun",
		 .files = {{"/dev/net/tun", NULL, 0}, {"/run/.containerenv", "", 0}}},
		{STEP_TUN, ENODEV, "opening /dev/net/tun",
		 "/dev/net/tun is there, but the kernel has no tun driver loaded", FIX_TUN,
		 .files = {{0}}},
		{STEP_TUN, EACCES, "opening /dev/net/tun",
		 "the mode of /dev/net/tun is 0660; it must be open to all, the kernel checks "
		 "rights "
		 "by the network namespace",
		 "sudo chmod 0666 /dev/net/tun", .files = {{"/dev/net/tun", "", 0660}}},
		{STEP_TUN, EPERM, "opening /dev/net/tun",
		 "this container's device rules do not allow /dev/net/tun", "--device /dev/net/tun",
		 .files = {{"/.dockerenv", "", 0}}},
		{STEP_TUN, EPERM, "opening /dev/net/tun", NULL, NULL, .files = {{0}}},
		{STEP_SLIRP, ENOENT,
		 "starting slirp4netns: executing \"slirp4netns\": No such file or directory",
		 "slirp4netns is not installed, or not where --slirp4netns-binary or PATH leads",
		 "sudo apk add slirp4netns", .files = {{"/etc/os-release", "ID=alpine\n", 0}}},
		{STEP_SLIRP, ENOENT,
		 "starting slirp4netns: executing \"slirp4netns\": No such file or directory",
		 "slirp4netns is not installed, or not where --slirp4netns-binary or PATH leads",
		 "install the package that has slirp4netns",
		 .files = {{"/etc/os-release", "ID=unheard-of\n", 0}}},
		{STEP_SLIRP, EOPNOTSUPP, "slirp4netns is version 0.3.0: 0.4.0 or newer is needed",
		 "the slirp4netns that PATH or --slirp4netns-binary leads to is too old",
		 "sudo pacman -S slirp4netns",
		 .files = {{"/etc/os-release", NULL, 0}, {"/usr/lib/os-release", "ID=arch\n", 0}}},
	};

	(void)state;
	check_failures(cases, ARRAY_SIZE(cases));
}

static void targets(void **state)
{
	static const struct failure cases[] = {
		{STEP_EXEC, ENOENT, "executing \"nosuch\"",
		 "nosuch is not in PATH (/usr/local/bin:/usr/bin)", "absolute path", .files = {{0}},
		 .command = "nosuch"},
		{STEP_EXEC, ENOENT, "executing \"iptables\"",
		 "it is /usr/sbin/iptables, and PATH does not have /usr/sbin",
		 "PATH=$PATH:/usr/sbin", .files = {{"/usr/sbin/iptables", "ELF", 0755}},
		 .command = "iptables"},
		{STEP_EXEC, ENOENT, "executing \"/opt/x\"", "there is no /opt/x",
		 "the path of an executable file", .files = {{0}}, .command = "/opt/x"},
		{STEP_EXEC, ENOENT, "executing \"script\"",
		 "/usr/bin/script is there, but not /opt/python, the interpreter that its first "
		 "line "
		 "names",
		 "install /opt/python",
		 .files = {{"/usr/bin/script", "#! /opt/python -u\nprint(1)\n", 0755}},
		 .command = "script"},
		{STEP_EXEC, EACCES, "executing \"/opt/x\"",
		 "/opt/x is not executable: its mode is 0644", "chmod +x /opt/x",
		 .files = {{"/opt/x", "ELF", 0644}}, .command = "/opt/x"},
		{STEP_EXEC, EACCES, "executing \"/opt/x\"", "/opt/x is a directory",
		 "the path of an executable file", .files = {{"/opt/x/", "", 0}},
		 .command = "/opt/x"},
		{STEP_EXEC, EACCES, "executing \"/home/x\"",
		 "/home/x is on /home, which is mounted noexec", "remount,exec /home",
		 .files =
			 {{"/home/x", "ELF", 0755},
			  {"/proc/self/mountinfo",
			   "22 1 8:1 / / rw - ext4 x rw\n23 22 8:2 / /home rw,noexec - ext4 y rw\n",
			   0}},
		 .command = "/home/x"},
		{STEP_EXEC, ENOEXEC, "executing \"tool\"",
		 "/usr/bin/tool is neither an executable of this machine nor a script whose first "
		 "line is #! and an interpreter",
		 "sh /usr/bin/tool", .files = {{0}}, .command = "tool"},
		/* The text of the step decides nothing without the step. */
		{STEP_OPTIONS, ENOENT, "executing \"newuidmap\"", NULL, NULL, .files = {{0}}},
	};

	(void)state;
	check_failures(cases, ARRAY_SIZE(cases));
}

static void every_text_is_whole(void **state)
{
	static const struct file none[MAX_FILES] = {{0}};
	struct error err = {.text = ""};
	struct config config;
	struct fake fake;

	(void)state;
	make_fake(&fake, none);
	config_init(&config);
	for (const struct cause *cause = causes(); cause->cause; cause++) {
		struct facts facts = {.machine = &fake.machine, .config = &config, .err = &err};
		struct explanation why;

		/* The longest values that a test can leave. */
		memset(facts.value, 'v', 100);
		memset(facts.path, 'p', 100);
		memset(facts.point, 't', 100);
		if (!cause_expand(cause->cause, &facts, why.cause, sizeof(why.cause)) ||
		    !cause_expand(cause->remedy, &facts, why.remedy, sizeof(why.remedy)))
			fail_msg("%s / %s", cause->cause, cause->remedy);
		assert_true(cause->steps != 0);
		assert_true(*why.remedy != '\0');
	}
	{
		struct facts facts = {.machine = &fake.machine, .config = &config, .err = &err};
		char text[64];

		assert_false(cause_expand("{nosuch}", &facts, text, sizeof(text)));
		assert_false(cause_expand("{uid", &facts, text, sizeof(text)));
		assert_false(cause_expand("{values}", &facts, text, sizeof(text)));
		assert_false(cause_expand("{user} is a text longer than the room for it", &facts,
					  text, 20));
		assert_true(cause_expand("{{{uid}}", &facts, text, sizeof(text)));
		assert_string_equal(text, "{1000}");
	}
	clear_fake(&fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(namespaces),
		cmocka_unit_test(cgroups),
		cmocka_unit_test(mappers),
		cmocka_unit_test(ranges),
		cmocka_unit_test(state_directories),
		cmocka_unit_test(foreign_runtime_directory),
		cmocka_unit_test(devices_and_helpers),
		cmocka_unit_test(targets),
		cmocka_unit_test(every_text_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

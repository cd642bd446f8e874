/* SPDX-License-Identifier: Apache-2.0 */
/* For test_check_explain.c: newuidmap(1), newgidmap(1), subordinate ids. */
#pragma once

#include "test_check_failure.h"

#define NO_RANGES "user \"alice\" (uid 1000) has no subordinate user ids: no line in /etc/subuid"

static const char wrote[] = "newuidmap: write to uid_map failed: Operation not permitted "
			    "(exit status 1)";
static const char wrote_gid[] = "newgidmap: write to gid_map failed: Operation not "
				"permitted (exit status 1)";

#define SETCAP(sudo)                                                    \
	sudo "chmod u-s /usr/bin/newuidmap /usr/bin/newgidmap && " sudo \
	     "setcap cap_setuid=ep /usr/bin/newuidmap && " sudo         \
	     "setcap cap_setgid=ep /usr/bin/newgidmap"
#define RUN_SETCAP  "RUN " SETCAP("") " # in Debian, setcap is in libcap2-bin"
#define SUDO_SETCAP SETCAP("sudo ")

#define BOUNDING_SET \
	"add CAP_SETUID CAP_SETGID CAP_SYS_ADMIN CAP_DAC_OVERRIDE to CapabilityBoundingSet="

#define SETUID_CANNOT(program, bounding)                                                   \
	"/usr/bin/" program " is set-user-ID and needs CAP_SYS_ADMIN and CAP_DAC_OVERRIDE" \
	" to write the map; our capability bounding set does not have both "               \
	"(/proc/self/status: CapBnd: " bounding ")"

#define BOUNDING(bounding, seccomp)                                                      \
	"Uid:\t1000\t1000\t1000\t1000\nGid:\t1000\t1000\t1000\t1000\nCapBnd:\t" bounding \
	"\nSeccomp:\t" seccomp "\n"

static void ask_for_fit(struct config *config)
{
	config->idmap = IDMAP_FIT;
}

static const struct failure mapper_failures[] = {
	{STEP_IDMAP, EPERM, wrote, NULL, NULL, .reason = REASON_MAP_WRITE, .about = "newuidmap",
	 .files = {{0}}},
	{STEP_IDMAP, ENOENT, "executing \"newuidmap\": No such file or directory",
	 "newuidmap is not in PATH (/usr/local/bin:/usr/bin)", "sudo apt-get install uidmap",
	 .reason = REASON_EXEC, .about = "newuidmap", .files = {{"/usr/bin/newuidmap", NULL, 0}}},
	/* As in a unit of NixOS. */
	{STEP_IDMAP, ENOENT, "executing \"newuidmap\": No such file or directory",
	 "the program is /run/wrappers/bin/newuidmap, and /run/wrappers/bin is not in PATH",
	 "PATH=$PATH:/run/wrappers/bin", .reason = REASON_EXEC, .about = "newuidmap",
	 .files = {{"/usr/bin/newuidmap", NULL, 0}, {"/run/wrappers/bin/newuidmap", "ELF", 04755}}},
	{STEP_IDMAP, EPERM, wrote,
	 "/usr/local/bin/newuidmap, the first one in PATH, gains no privileges; the one in "
	 "/usr/bin does",
	 "PATH=/usr/bin:$PATH", .reason = REASON_MAP_WRITE, .about = "newuidmap",
	 .files = {{"/usr/local/bin/newuidmap", "ELF", 0755}}},
	{STEP_IDMAP, ENOENT, "executing \"newgidmap\": No such file or directory",
	 "newgidmap is not in PATH (/usr/local/bin:/usr/bin)", "sudo dnf install shadow-utils",
	 .reason = REASON_EXEC, .about = "newgidmap",
	 .files = {{"/usr/bin/newgidmap", NULL, 0},
		   {"/etc/os-release", "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n", 0}}},
	{STEP_IDMAP, ENOENT, "executing \"getsubids\": No such file or directory",
	 "getsubids is missing; it reads the subordinate ids from the source that nsswitch.conf "
	 "names",
	 "sudo dnf install shadow-utils-subid\nuse --subid-source=static", .reason = REASON_EXEC,
	 .about = "getsubids",
	 .files = {{"/etc/os-release", "NAME=x\nID=mine\nID_LIKE='ours fedora'\n", 0}}},
	{STEP_IDMAP, EPERM, wrote,
	 "no_new_privs is set on this process (/proc/self/status: NoNewPrivs: 1), so "
	 "/usr/bin/newuidmap gains no privileges",
	 "in a systemd unit, set NoNewPrivileges=no\nuse --idmap=single\ndocker run without "
	 "--security-opt no-new-privileges …\nin Kubernetes, set "
	 "securityContext.allowPrivilegeEscalation: true",
	 .reason = REASON_MAP_WRITE, .about = "newuidmap",
	 .files = {{"/proc/self/status",
		    "Uid:\t1000\t1000\t1000\t1000\nGid:"
		    "\t1000\t1000\t1000\t1000\nNoNewPrivs:\t1\n",
		    0}}},
	{STEP_IDMAP, EPERM, wrote_gid,
	 "/usr/bin/newgidmap is on /usr, which is mounted nosuid, so it gains no "
	 "privileges",
	 "sudo mount -o remount,suid /usr", .reason = REASON_MAP_WRITE, .about = "newgidmap",
	 .files = {{"/proc/self/mountinfo",
		    "22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n"
		    "23 22 8:1 / /usr rw,relatime - ext4 /dev/sda1 rw\n"
		    "24 23 8:1 / /usr/b rw,relatime - ext4 /dev/sda1 rw\n"
		    "25 23 8:2 / /usr rw,nosuid,nodev - ext4 /dev/sda2 rw\n",
		    0}}},
	{STEP_IDMAP, EPERM, wrote,
	 "/usr/bin/newuidmap has neither the set-user-ID bit nor file capabilities",
	 "sudo chmod u+s /usr/bin/newuidmap", .reason = REASON_MAP_WRITE, .about = "newuidmap",
	 .files = {{"/usr/bin/newuidmap", "ELF", 0755}}},
	/* Docker's capabilities, and newuidmap as Debian and Ubuntu build it. */
	{STEP_IDMAP, EPERM, wrote, SETUID_CANNOT("newuidmap", "00000000a80425fb"),
	 "in the Dockerfile of the image, add " RUN_SETCAP, .reason = REASON_MAP_WRITE,
	 .about = "newuidmap",
	 .files = {{"/proc/self/status", BOUNDING("00000000a80425fb", "0"), 0},
		   {"/.dockerenv", "", 0}}},
	/* A filter allows write(2) to any file, so it is not the cause. */
	{STEP_IDMAP, EPERM, wrote_gid, SETUID_CANNOT("newgidmap", "00000000a80425fb"),
	 "in the Dockerfile of the image, add " RUN_SETCAP, .reason = REASON_MAP_WRITE,
	 .about = "newgidmap",
	 .files = {{"/proc/self/status", BOUNDING("00000000a80425fb", "2"), 0},
		   {"/run/.containerenv", "", 0}}},
	{STEP_IDMAP, EPERM, wrote, NULL, NULL, .reason = REASON_MAP_WRITE, .about = "newuidmap",
	 .files = {{"/proc/self/status", BOUNDING("000001ffffffffff", "2"), 0}}},
	{STEP_IDMAP, EPERM, "newuidmap: open of uid_map failed: Permission denied (exit status 1)",
	 SETUID_CANNOT("newuidmap", "000001fffffffffd"),
	 SUDO_SETCAP "\nin a systemd unit, " BOUNDING_SET, .reason = REASON_MAP_WRITE,
	 .about = "newuidmap",
	 .files = {{"/proc/self/status", BOUNDING("000001fffffffffd", "0"), 0}}},
	/* Another error of the same call, caused by a filter. */
	{STEP_IDMAP, EPERM,
	 "newgidmap: open of gid_map failed: Function not implemented (exit status 1)",
	 "this process has a seccomp filter (/proc/self/status: Seccomp: 2) that refuses "
	 "openat2(2); newuidmap and newgidmap of shadow 4.17 and newer open the map with it",
	 "docker run --security-opt seccomp=unconfined …\nuse a seccomp profile that allows "
	 "openat2\nin a systemd unit, allow openat2 in SystemCallFilter=\nuse --idmap=single",
	 .reason = REASON_MAP_OPEN, .about = "newgidmap",
	 .files = {{"/proc/self/status", BOUNDING("00000000a80425fb", "2"), 0},
		   {"/.dockerenv", "", 0}}},
	{STEP_IDMAP, EPERM,
	 "newuidmap: open of uid_map failed: Operation not permitted (exit status 1)", NULL, NULL,
	 .reason = REASON_MAP_OPEN, .about = "newuidmap",
	 .files = {{"/proc/self/status", BOUNDING("000001ffffffffff", "0"), 0}}},
	/* Setting the missing bit would not be enough. */
	{STEP_IDMAP, EPERM, wrote,
	 "/usr/bin/newuidmap has neither the set-user-ID bit nor file capabilities",
	 "in the Dockerfile of the image, add " RUN_SETCAP, .reason = REASON_MAP_WRITE,
	 .about = "newuidmap",
	 .files = {{"/proc/self/status", BOUNDING("00000000a80425fb", "0"), 0},
		   {"/usr/bin/newuidmap", "ELF", 0755},
		   {"/.dockerenv", "", 0}}},
	{STEP_IDMAP, EPERM, wrote,
	 "/usr/bin/newuidmap has neither the set-user-ID bit nor file capabilities", SUDO_SETCAP,
	 .reason = REASON_MAP_WRITE, .about = "newuidmap",
	 .files = {{"/proc/self/status", BOUNDING("00000000a80425fb", "0"), 0},
		   {"/usr/bin/newuidmap", "ELF", 0755}}},
	/* A pod with "drop: ALL". */
	{STEP_IDMAP, EPERM, wrote,
	 "CAP_SETUID or CAP_SETGID is outside of our capability bounding set (/proc/self/status: "
	 "CapBnd: 0000000000000000); so is CAP_SYS_ADMIN or CAP_DAC_OVERRIDE, which "
	 "/usr/bin/newuidmap needs because it is set-user-ID",
	 "docker run --cap-add SETUID --cap-add SETGID …\nin addition to the capabilities, in the "
	 "Dockerfile of the "
	 "image, add " RUN_SETCAP "\nin a systemd unit, " BOUNDING_SET,
	 .reason = REASON_MAP_WRITE, .about = "newuidmap",
	 .files = {{"/proc/self/status", BOUNDING("0000000000000000", "0"), 0},
		   {"/.dockerenv", "", 0}}},
	{STEP_IDMAP, EPERM, "newuidmap: Could not set caps (exit status 1)",
	 "CAP_SETUID is outside of our capability bounding set (/proc/self/status: CapBnd: "
	 "000001ffffffff7f), so newuidmap cannot get it",
	 "in a systemd unit, " BOUNDING_SET
	 "\ndocker run --cap-add SETUID --cap-add SETGID …\nin Kubernetes, set "
	 "securityContext.capabilities.add: [SETUID, SETGID]",
	 .reason = REASON_DIED, .about = "newuidmap",
	 .files = {{"/proc/self/status",
		    "Uid:\t1000\t1000\t1000\t1000\nCapBnd:\t000001ffffffff7f\n", 0}}},
	{STEP_IDMAP, EPERM, wrote_gid,
	 "CAP_SETGID is outside of our capability bounding set (/proc/self/status: CapBnd: "
	 "000001ffffffffbf), so newgidmap cannot get it",
	 "in a systemd unit, " BOUNDING_SET
	 "\ndocker run --cap-add SETUID --cap-add SETGID …\nin Kubernetes, set "
	 "securityContext.capabilities.add: [SETUID, SETGID]",
	 .reason = REASON_MAP_WRITE, .about = "newgidmap",
	 .files = {{"/proc/self/status",
		    "Uid:\t1000\t1000\t1000\t1000\nCapBnd:\t000001ffffffffbf\n", 0}}},
	/* Written directly, by a root user without capabilities. */
	{STEP_IDMAP, EPERM, "writing /proc/7/uid_map: Operation not permitted",
	 "CAP_SETFCAP is outside of our capability bounding set (/proc/self/status: CapBnd: "
	 "0000000000000000); mapping the outer uid 0 needs it since Linux 5.12",
	 "run fauxroot as a user other than root\ndocker run --cap-add SETFCAP …\nin Kubernetes, "
	 "set securityContext.capabilities.add: [SETFCAP]",
	 .reason = REASON_FILE, .about = "/proc/7/uid_map",
	 .files = {{"/proc/self/status", "Uid:\t0\t0\t0\t0\nCapBnd:\t0000000000000000\n", 0}}},
	{STEP_IDMAP, EPERM, wrote, NULL, NULL, .reason = REASON_MAP_WRITE, .about = "newuidmap",
	 .files = {{"/proc/self/status", "Uid:\t0\t0\t0\t0\nCapBnd:\t00000000a80425fb\n", 0}}},
	{STEP_IDMAP, EPERM, wrote,
	 "CAP_SETFCAP is outside of our capability bounding set (/proc/self/status: "
	 "CapBnd: "
	 "00000000280425fb); mapping the outer uid 0 needs it since Linux 5.12",
	 "run fauxroot as a user other than root\ndocker run --cap-add SETFCAP …\nin Kubernetes, "
	 "set securityContext.capabilities.add: [SETFCAP]",
	 .reason = REASON_MAP_WRITE, .about = "newuidmap",
	 .files = {{"/proc/self/status", "Uid:\t0\t0\t0\t0\nCapBnd:\t00000000280425fb\n", 0}}},
	{STEP_IDMAP, EPERM, wrote,
	 "100000:65536 of /etc/subuid, line 1, is outside the ids of our user namespace "
	 "(/proc/self/uid_map)",
	 "set alice:1001:64536 in /etc/subuid and /etc/subgid\nin a systemd unit, set "
	 "PrivateUsers=no\nuse --idmap=single",
	 .reason = REASON_MAP_WRITE, .about = "newuidmap",
	 .files = {{"/proc/self/uid_map", "0 1000 1\n1 100000 65536\n", 0},
		   {"/proc/self/gid_map", "0 1000 1\n1 100000 65536\n", 0}}},
	{STEP_IDMAP, EPERM, wrote_gid,
	 "100000:65536 of /etc/subgid, line 1, is not within one line of /proc/self/gid_map, the "
	 "ids of our user namespace",
	 "use --idmap=fit\nset alice:1001:65536 in /etc/subuid and /etc/subgid\nin a systemd "
	 "unit, set PrivateUsers=no",
	 .reason = REASON_MAP_WRITE, .about = "newgidmap",
	 .files = {{"/proc/self/gid_map", "0 1000 1\n1 100000 100000\n100001 0 10\n", 0}}},
	/* Two adjacent lines contain the whole range. */
	{STEP_IDMAP, EPERM, wrote_gid,
	 "100000:65536 of /etc/subgid, line 1, is not within one line of /proc/self/gid_map, the "
	 "ids of our user namespace",
	 "use --idmap=fit\nset alice:1001:65536 in /etc/subuid and /etc/subgid\nin a systemd "
	 "unit, set PrivateUsers=no",
	 .reason = REASON_MAP_WRITE, .about = "newgidmap",
	 .files = {{"/proc/self/gid_map", "0 1000 1\n1 100000 100000\n100001 0 100000\n", 0}}},
	/* One line does. */
	{STEP_IDMAP, EPERM, wrote_gid, NULL, NULL, .reason = REASON_MAP_WRITE, .about = "newgidmap",
	 .files = {{"/proc/self/gid_map", "0 1000 1\n1 100000 200000\n", 0}}},
	/* The option was used, and nothing is left. */
	{STEP_IDMAP, EPERM, "no id of our lines in /etc/subuid is in /proc/self/uid_map",
	 "100000:65536 of /etc/subuid, line 1, is outside the ids of our user namespace "
	 "(/proc/self/uid_map)",
	 "podman run --user 0 --env FAUXROOT_OPTIONS=--idmap=fit …\nset alice:1001:64536 in "
	 "/etc/subuid and /etc/subgid\nuse --idmap=single\ngive this container more ids",
	 .ask = ask_for_fit,
	 .files = {{"/proc/self/uid_map", "0 1000 1\n1 100000 65536\n", 0},
		   {"/proc/self/gid_map", "0 1000 1\n1 100000 65536\n", 0},
		   {"/run/.containerenv", "", 0}}},
	{STEP_IDMAP, EPERM,
	 "newuidmap: uid range [1-65537) -> [100000-165536) not allowed (exit status 1)",
	 "/etc/nsswitch.conf has \"subid: sss\": newuidmap uses that source, which does not grant "
	 "us these ranges",
	 "use --subid-source=dynamic", .reason = REASON_NOT_GRANTED, .about = "newuidmap",
	 .files = {{"/etc/nsswitch.conf", "passwd: files\nsubid: sss\n", 0}}},
	{STEP_IDMAP, EPERM, "newuidmap: Cannot determine your user name. (exit status 1)",
	 "newuidmap and newgidmap need an account, but neither /etc/passwd nor another source of "
	 "nsswitch.conf has one for uid 1000",
	 "echo user1000:x:1000:1000::/:/bin/sh | sudo tee -a /etc/passwd\nuse --idmap=single",
	 .reason = REASON_NO_ACCOUNT, .about = "newuidmap", .files = {{0}}},
	{STEP_IDMAP, EPERM,
	 "newuidmap: Target process 7 is owned by a different user: uid:1000 (exit status "
	 "1)",
	 "this process has the group users, but /etc/passwd has alice for alice, as after newgrp "
	 "or sg; newuidmap and newgidmap refuse that",
	 "sg alice -c 'fauxroot …'\nuse a shell that newgrp did not start",
	 .reason = REASON_NOT_OWNER, .about = "newuidmap",
	 .files = {{"/proc/self/status", "Uid:\t1000\t1000\t1000\t1000\nGid:\t100\t100\t100\t100\n",
		    0},
		   {"/etc/group", "users:x:100:\nalice:x:1000:\n", 0}}},
};

static void mappers(void **state)
{
	(void)state;
	check_failures(mapper_failures, ARRAY_SIZE(mapper_failures));
}

static const struct failure range_failures[] = {
	{STEP_IDMAP, EINVAL, "two ranges overlap",
	 "/etc/subuid has alice:100000:65536; 1000:150000:65536; /etc/subgid has 1000:7:1",
	 "replace the lines that are invalid, overlap each other or contain the uid 1000; "
	 "alice:215536:65536 is free",
	 .files = {{"/etc/subuid", "bob:1:2\nalice:100000:65536\n1000:150000:65536\nalicex:1:2\n",
		    0},
		   {"/etc/subgid", "1000:7:1\n", 0}}},
	{STEP_IDMAP, ENOENT, NO_RANGES, "no line for alice or 1000 in /etc/subuid or /etc/subgid",
	 "sudo usermod --add-subuids 165546-231081 --add-subgids 165546-231081 alice\nuse "
	 "--idmap=single",
	 .reason = REASON_NO_RANGES, .about = "/etc/subuid",
	 .files = {{"/etc/subuid", "bob:100000:65536\n", 0},
		   {"/etc/subgid", "bob:100000:65536\ncarol:165536:10\n", 0}}},
	{STEP_IDMAP, ENOENT, NO_RANGES, "no line for alice or 1000 in /etc/subuid or /etc/subgid",
	 "sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 alice\nuse "
	 "--idmap=single",
	 .reason = REASON_NO_RANGES, .about = "/etc/subuid",
	 .files = {{"/etc/subuid", "", 0}, {"/etc/subgid", "", 0}}},
	/* In a user namespace that ends below SUB_UID_MIN; root needs no sudo. */
	{STEP_IDMAP, ENOENT,
	 "user \"root\" (uid 0) has no subordinate user ids: no line in /etc/subuid",
	 "no line for root or 0 in /etc/subuid or /etc/subgid",
	 "usermod --add-subuids 1001-65536 --add-subgids 1001-65536 root\nuse "
	 "--idmap=single",
	 .reason = REASON_NO_RANGES, .about = "/etc/subuid",
	 .files = {{"/proc/self/status", "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\n", 0},
		   {"/proc/self/uid_map", "0 1000 1\n1 100000 65536\n", 0},
		   {"/proc/self/gid_map", "0 1000 1\n1 100000 65536\n", 0}}},
	/* The same, and root can write maps there. */
	{STEP_IDMAP, ENOENT,
	 "user \"root\" (uid 0) has no subordinate user ids: no line in /etc/subuid",
	 "no line for root or 0 in /etc/subuid or /etc/subgid; none is needed in this user "
	 "namespace, because root can write id maps here",
	 "use --idmap=fit\nuse --idmap=single", .reason = REASON_NO_RANGES, .about = "/etc/subuid",
	 .files = {{"/proc/self/status",
		    "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\n"
		    "CapEff:\t00000000800405fb\n",
		    0},
		   {"/proc/self/uid_map", "0 1000 1\n1 100000 65536\n", 0},
		   {"/proc/self/gid_map", "0 1000 1\n1 100000 65536\n", 0}}},
	{STEP_IDMAP, ENOENT, NO_RANGES,
	 "alice has no line in /etc/subuid or /etc/subgid, and our user namespace has no "
	 "free ids for one (/proc/self/uid_map)",
	 "use --idmap=single\ngive the outer user namespace more ids", .reason = REASON_NO_RANGES,
	 .about = "/etc/subuid",
	 .files = {{"/etc/subuid", "bob:100000:65536\n", 0},
		   {"/proc/self/uid_map", "1000 1000 1\n", 0},
		   {"/proc/self/gid_map", "1000 1000 1\n", 0}}},
	{STEP_IDMAP, ENOENT, NO_RANGES, "no line for alice or 1000 in /etc/subuid",
	 "sudo usermod --add-subuids 165536-231071 alice\nuse --idmap=single",
	 .reason = REASON_NO_RANGES, .about = "/etc/subuid",
	 .files = {{"/etc/subuid", "bob:100000:65536\n", 0}}},
	{STEP_IDMAP, ENOENT,
	 "user \"alice\" (uid 1000) has no subordinate group ids: no line in /etc/subgid",
	 "no line for alice or 1000 in /etc/subgid",
	 "sudo usermod --add-subgids 165536-231071 alice\nuse --idmap=single",
	 .reason = REASON_NO_RANGES, .about = "/etc/subgid",
	 .files = {{"/etc/subgid", "bob:100000:65536\n", 0}}},
	{STEP_IDMAP, ENOENT, NO_RANGES,
	 "no line for uid 1000 in /etc/subuid or /etc/subgid, and /etc/passwd has no "
	 "account with that uid",
	 "echo 1000:100000:65536 | sudo tee -a /etc/subuid /etc/subgid\nset \"subid: sss\" "
	 "in /etc/nsswitch.conf # if the directory service has ranges for this "
	 "uid\nuse --idmap=single",
	 .reason = REASON_NO_RANGES, .about = "/etc/subuid",
	 .files = {{"/etc/passwd", "root:x:0:0::/root:/bin/sh\n", 0},
		   {"/etc/subuid", "", 0},
		   {"/etc/subgid", "", 0}}},
	{STEP_IDMAP, ENOENT,
	 "user \"alice\" (uid 1000) has no subordinate user ids: getsubids printed none",
	 "/etc/nsswitch.conf has \"subid: sss\", and that source has no ranges for alice",
	 "assign ranges in that source # in FreeIPA: ipa subid-generate\nset \"subid: "
	 "files\" there, and alice:100000:65536 in /etc/subuid and /etc/subgid\nuse "
	 "--idmap=single",
	 .reason = REASON_NO_RANGES, .about = "getsubids",
	 .files = {{"/etc/nsswitch.conf", "subid: sss\n", 0},
		   {"/etc/subuid", "", 0},
		   {"/etc/subgid", "", 0}}},
	{STEP_IDMAP, ENOENT,
	 "user \"alice\" (uid 1000) has no subordinate group ids: there is no /etc/subgid",
	 "there is no /etc/subgid",
	 "sudo touch /etc/subgid && sudo usermod --add-subgids 165536-231071 alice\nuse "
	 "--idmap=single",
	 .reason = REASON_NO_RANGES, .about = "/etc/subgid", .files = {{"/etc/subgid", NULL, 0}}},
	{STEP_IDMAP, ENOENT,
	 "user \"alice\" (uid 1000) has no subordinate user ids: getsubids: Error fetching "
	 "ranges, exit status 1",
	 "getsubids prints no ranges, although /etc/subuid has alice:100000:65536; "
	 "/etc/subgid has alice:100000:65536",
	 "use --subid-source=static", .reason = REASON_NO_RANGES, .about = "getsubids",
	 .files = {{0}}, .ask = ask_getsubids},
	{STEP_IDMAP, EINVAL, "getsubids, line 1, \"rubbish\": it is none",
	 "getsubids prints no ranges, although /etc/subuid has alice:100000:65536; "
	 "/etc/subgid has alice:100000:65536",
	 "use --subid-source=static", .reason = REASON_NO_RANGES, .about = "getsubids",
	 .files = {{0}}, .ask = ask_getsubids},
	{STEP_IDMAP, EPERM,
	 "newuidmap: uid range [1-1001) -> [500000-501000) not allowed (exit status 1)",
	 "newuidmap and newgidmap do not grant the ranges that getsubids prints: "
	 "/etc/subuid has alice:100000:65536; /etc/subgid has alice:100000:65536",
	 "use --subid-source=static", .reason = REASON_NOT_GRANTED, .about = "newuidmap",
	 .files = {{0}}, .ask = ask_getsubids},
};

static void ranges(void **state)
{
	(void)state;
	check_failures(range_failures, ARRAY_SIZE(range_failures));
}

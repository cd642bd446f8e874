/* SPDX-License-Identifier: Apache-2.0 */
/* Why newuidmap(1), newgidmap(1) or fauxroot itself cannot write the id maps. */
#include "../cause.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"
#include "fauxroot/machine/mountinfo.h"

#define IDMAP STEP_BIT(STEP_IDMAP)

/* File capabilities instead of set-user-ID bits do not need other capabilities. */
#define SETCAP(sudo)                                                        \
	sudo "chmod u-s {place of newuidmap} {place of newgidmap} && " sudo \
	     "setcap cap_setuid=ep {place of newuidmap} && " sudo           \
	     "setcap cap_setgid=ep {place of newgidmap}"
#define RUN_SETCAP  "RUN " SETCAP("") " # in Debian, setcap is in libcap2-bin"
#define SUDO_SETCAP SETCAP("sudo ")

/* All capabilities that set-user-ID programs need. */
#define BOUNDING_SET \
	"add CAP_SETUID CAP_SETGID CAP_SYS_ADMIN CAP_DAC_OVERRIDE to CapabilityBoundingSet="

#define ADD_CAPS                                       \
	.docker = "--cap-add SETUID --cap-add SETGID", \
	.kubernetes = "set securityContext.capabilities.add: [SETUID, SETGID]"

/* The program that the error is about, or NULL. */
static const char *mapper(const struct facts *facts)
{
	const char *program = facts->err->about;

	return streq(program, "newuidmap") || streq(program, "newgidmap") ? program : NULL;
}

/* Its file in PATH. */
static bool find_mapper(struct facts *facts, struct stat *ret)
{
	const char *program = mapper(facts);
	char path[PATH_MAX];

	return program && machine_find(facts->machine, program, path, sizeof(path)) &&
	       machine_stat(facts->machine, path, ret) && fact(facts, "program", "%s", path);
}

static bool mapper_is_missing(struct facts *facts)
{
	const char *path = getenv("PATH");
	struct stat st;

	return mapper(facts) && !find_mapper(facts, &st) &&
	       fact(facts, "program", "%s", mapper(facts)) &&
	       fact(facts, "search path", "%s", path ? path : "");
}

static bool getsubids_is_missing(struct facts *facts)
{
	char path[PATH_MAX];

	return is_about_getsubids(facts) &&
	       !machine_find(facts->machine, facts->err->about, path, sizeof(path)) &&
	       fact(facts, "program", "%s", facts->err->about);
}

/* man 2 prctl, PR_SET_NO_NEW_PRIVS: exec ignores set-user-ID bits and file capabilities. */
static bool mapper_has_no_new_privs(struct facts *facts)
{
	char value[16];
	struct stat st;

	return find_mapper(facts, &st) &&
	       machine_status(facts->machine, "NoNewPrivs", value, sizeof(value)) &&
	       streq(value, "1");
}

static bool mapper_is_on_nosuid(struct facts *facts)
{
	struct stat st;

	return find_mapper(facts, &st) &&
	       is_mounted_with(facts, fact_text(facts, "program"), "nosuid");
}

static bool mapper_lacks_setuid(struct facts *facts)
{
	char place[PATH_MAX];
	struct stat st;

	return find_mapper(facts, &st) && !(st.st_mode & S_ISUID) &&
	       machine_path(facts->machine, fact_text(facts, "program"), place, sizeof(place)) &&
	       getxattr(place, "security.capability", NULL, 0) <= 0;
}

/* If the program in PATH gains no privileges: does another directory have one with the bit? */
static bool setuid_mapper_is_elsewhere(struct facts *facts)
{
	char path[PATH_MAX], dir[PATH_MAX];
	struct mount mount;

	return mapper(facts) && (mapper_lacks_setuid(facts) || mapper_is_on_nosuid(facts)) &&
	       machine_find_elsewhere(facts->machine, mapper(facts), S_ISUID | 0111, dir,
				      sizeof(dir)) &&
	       str_print(path, sizeof(path), "%s/%s", dir, mapper(facts)) == 0 &&
	       !(machine_mount(facts->machine, path, &mount) && mount_has(&mount, "nosuid")) &&
	       fact(facts, "dir", "%s", dir);
}

static bool lacks_cap(struct facts *facts, unsigned cap)
{
	return machine_lacks_cap(facts->machine, cap) && fact_status(facts, "caps", "CapBnd");
}

/*
 * A set-user-ID newuidmap that stays root needs CAP_SYS_ADMIN over the parent of a user namespace
 * that another user owns (man 7 user_namespaces, "Capabilities"), and CAP_DAC_OVERRIDE, because
 * that user owns the file. shadow's newuidmap with libcap becomes the user again and needs neither.
 */
static bool root_lacks_capabilities(struct facts *facts)
{
	return machine_uid(facts->machine) != 0 &&
	       (lacks_cap(facts, CAP_SYS_ADMIN) || lacks_cap(facts, CAP_DAC_OVERRIDE));
}

static bool mapper_needs_sys_admin(struct facts *facts)
{
	struct stat st;

	return find_mapper(facts, &st) && (st.st_mode & S_ISUID) && root_lacks_capabilities(facts);
}

static bool mapper_is_too_weak(struct facts *facts)
{
	return mapper_failed_to_write(facts->err) && mapper_needs_sys_admin(facts);
}

static bool mapper_lacks_filecaps(struct facts *facts)
{
	return mapper_lacks_setuid(facts) && root_lacks_capabilities(facts);
}

static bool mapper_lacks_cap_and_filecaps(struct facts *facts)
{
	return (lacks_cap(facts, CAP_SETUID) || lacks_cap(facts, CAP_SETGID)) &&
	       mapper_needs_sys_admin(facts);
}

static bool mapper_lacks_cap(struct facts *facts)
{
	bool uids = mapper(facts) && streq(mapper(facts), "newuidmap");

	return mapper(facts) && lacks_cap(facts, uids ? CAP_SETUID : CAP_SETGID) &&
	       fact(facts, "cap", "%s", uids ? "CAP_SETUID" : "CAP_SETGID") &&
	       fact(facts, "program", "%s", mapper(facts));
}

static bool root_lacks_cap(struct facts *facts)
{
	return machine_uid(facts->machine) == 0 && lacks_cap(facts, CAP_SETFCAP);
}

static bool group_is_not_of_account(struct facts *facts)
{
	uint32_t gid = machine_gid(facts->machine), usual;
	char name[64], usual_name[64];

	if (!machine_account(facts->machine, &usual) || usual == UINT32_MAX || usual == gid)
		return false;
	machine_group(facts->machine, gid, name, sizeof(name));
	machine_group(facts->machine, usual, usual_name, sizeof(usual_name));
	return fact(facts, "group", "%s", name) && fact(facts, "usual group", "%s", usual_name);
}

const struct cause causes_of_mappers[] = {
	{FAILURE("newuidmap-missing", IDMAP, REASON_EXEC, ENOENT), .test = mapper_is_missing,
	 .cause = "{program} is not in PATH ({search path})", .remedy = "{install newuidmap}"},
	{FAILURE("getsubids-missing", IDMAP, REASON_EXEC, ENOENT), .test = getsubids_is_missing,
	 .cause = "{program} is missing; it reads the subordinate ids from the source that "
		  "nsswitch.conf names",
	 .remedy = "{install getsubids}\nuse --subid-source=static"},
	{/* First row: missing privileges never cause this error of open. */
	 FAILURE("seccomp-openat2", IDMAP, REASON_MAP_OPEN, EPERM), .test = has_filter,
	 .cause = "this process has a seccomp filter (/proc/self/status: Seccomp: {seccomp}) that "
		  "refuses openat2(2); newuidmap and newgidmap of shadow 4.17 and newer open the "
		  "map with it",
	 UNFILTERED,
	 .remedy = "use a seccomp profile that allows openat2\nin a systemd unit, allow openat2 in "
		   "SystemCallFilter=\nuse --idmap=single"},
	{FAILURE("no-new-privs", IDMAP, ANY_REASON, EPERM), .test = mapper_has_no_new_privs,
	 .cause = "no_new_privs is set on this process (/proc/self/status: NoNewPrivs: 1), so "
		  "{program} gains no privileges",
	 .docker = "without --security-opt no-new-privileges",
	 .kubernetes = "set securityContext.allowPrivilegeEscalation: true",
	 .remedy = "in a systemd unit, set NoNewPrivileges=no\nuse --idmap=single"},
	{/* NixOS: the program of the package precedes the wrapper with the bit. */
	 FAILURE("setuid-elsewhere", IDMAP, ANY_REASON, EPERM), .test = setuid_mapper_is_elsewhere,
	 .cause = "{program}, the first one in PATH, gains no privileges; the one in {dir} does",
	 .remedy = "PATH={dir}:$PATH"},
	{FAILURE("nosuid", IDMAP, ANY_REASON, EPERM), .test = mapper_is_on_nosuid,
	 .cause = "{program} is on {mount}, which is mounted nosuid, so it gains no privileges",
	 .remedy = "sudo mount -o remount,suid {mount}"},
	{/* The set-user-ID bit would not be enough either. */
	 FAILURE("filecaps-lost", IDMAP, ANY_REASON, EPERM), .test = mapper_lacks_filecaps,
	 .cause = "{program} has neither the set-user-ID bit nor file capabilities",
	 .remedy = "in the Dockerfile of the image, add " RUN_SETCAP, .outside = SUDO_SETCAP},
	{FAILURE("setuid-lost", IDMAP, ANY_REASON, EPERM), .test = mapper_lacks_setuid,
	 .cause = "{program} has neither the set-user-ID bit nor file capabilities",
	 .remedy = "sudo chmod u+s {program}"},
	{/* As with "drop: ALL" of Kubernetes: adding one capability would not be enough. */
	 FAILURE("no-cap-setuid-nor-filecaps", IDMAP, ANY_REASON, EPERM),
	 .test = mapper_lacks_cap_and_filecaps,
	 .cause = "CAP_SETUID or CAP_SETGID is outside of our capability bounding set "
		  "(/proc/self/status: CapBnd: {caps}); so is CAP_SYS_ADMIN or CAP_DAC_OVERRIDE, "
		  "which {program} needs because it is set-user-ID",
	 ADD_CAPS,
	 .remedy =
		 "in addition to the capabilities, in the Dockerfile of the image, add " RUN_SETCAP
		 "\nin a systemd unit, " BOUNDING_SET},
	{/* Debian's and Ubuntu's programs stay root while they write. */
	 FAILURE("setuid-needs-sys-admin", IDMAP, ANY_REASON, EPERM), .test = mapper_is_too_weak,
	 .cause = "{program} is set-user-ID and needs CAP_SYS_ADMIN and CAP_DAC_OVERRIDE to write "
		  "the map; our capability bounding set does not have both (/proc/self/status: "
		  "CapBnd: {caps})",
	 .remedy = "in the Dockerfile of the image, add " RUN_SETCAP,
	 .outside = SUDO_SETCAP "\nin a systemd unit, " BOUNDING_SET},
	{FAILURE("no-cap-setuid", IDMAP, ANY_REASON, EPERM), .test = mapper_lacks_cap,
	 .cause = "{cap} is outside of our capability bounding set (/proc/self/status: CapBnd: "
		  "{caps}), so {program} cannot get it",
	 ADD_CAPS, .remedy = "in a systemd unit, " BOUNDING_SET},
	{FAILURE("no-cap-setfcap", IDMAP, ANY_REASON, EPERM), .test = root_lacks_cap,
	 .cause = "CAP_SETFCAP is outside of our capability bounding set (/proc/self/status: "
		  "CapBnd: {caps}); mapping the outer uid 0 needs it since Linux 5.12",
	 .docker = "--cap-add SETFCAP",
	 .kubernetes = "set securityContext.capabilities.add: [SETFCAP]",
	 .remedy = "run fauxroot as a user other than root"},
	{/* Some container platforms choose an arbitrary uid. */
	 FAILURE("no-account", IDMAP, REASON_NO_ACCOUNT, EPERM),
	 .cause = "newuidmap and newgidmap need an account, but neither /etc/passwd nor another "
		  "source of nsswitch.conf has one for uid {uid}",
	 .remedy = "echo user{uid}:x:{uid}:{gid}::/:/bin/sh | sudo tee -a /etc/passwd\nuse "
		   "--idmap=single"},
	{FAILURE("group-switched", IDMAP, REASON_NOT_OWNER, EPERM), .test = group_is_not_of_account,
	 .cause = "this process has the group {group}, but /etc/passwd has {usual group} for "
		  "{user}, as after newgrp or sg; newuidmap and newgidmap refuse that",
	 .remedy = "sg {usual group} -c 'fauxroot …'\nuse a shell that newgrp did not start"},
	{.cause = NULL},
};

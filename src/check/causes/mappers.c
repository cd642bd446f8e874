/* SPDX-License-Identifier: Apache-2.0 */
/* What keeps newuidmap(1) and newgidmap(1), or ourselves, from writing the id maps. */
#include "../cause.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"
#include "fauxroot/machine/mountinfo.h"

#define IDMAP STEP_BIT(STEP_IDMAP)

/* File capabilities in the place of set-user-ID bits: they need nothing but themselves. */
#define SETCAP(sudo)                                      \
	sudo "chmod u-s {newuidmap} {newgidmap} && " sudo \
	     "setcap cap_setuid=ep {newuidmap} && " sudo "setcap cap_setgid=ep {newgidmap}"
#define RUN_SETCAP  "RUN " SETCAP("") " (in Debian setcap is of libcap2-bin)"
#define SUDO_SETCAP SETCAP("sudo ")

/* All that set-user-ID ones need. */
#define BOUNDING_SET \
	"CapabilityBoundingSet= with CAP_SETUID CAP_SETGID CAP_SYS_ADMIN CAP_DAC_OVERRIDE"

/* The program that the error is about, or NULL. */
static const char *mapper(const struct facts *facts)
{
	const char *program = facts->err->about;

	return streq(program, "newuidmap") || streq(program, "newgidmap") ? program : NULL;
}

/* The program's place, into facts->path. */
static bool find_mapper(struct facts *facts)
{
	const char *program = mapper(facts);

	return program && machine_find(facts->machine, program, facts->path, sizeof(facts->path));
}

static bool getsubids_is_missing(struct facts *facts, const char *arg)
{
	(void)arg;
	(void)str_print(facts->path, sizeof(facts->path), "%s", facts->err->about);
	return is_about_getsubids(facts) &&
	       !machine_find(facts->machine, facts->path, facts->point, sizeof(facts->point));
}

static bool mapper_is_missing(struct facts *facts, const char *arg)
{
	const char *program = mapper(facts), *path = getenv("PATH");

	(void)arg;
	if (!program || find_mapper(facts))
		return false;
	(void)str_print(facts->path, sizeof(facts->path), "%s", program);
	(void)str_print(facts->value, sizeof(facts->value), "%s", path ? path : "");
	return true;
}

static bool mapper_is_elsewhere(struct facts *facts, const char *arg)
{
	const char *program = mapper(facts);

	(void)arg;
	return program && is_elsewhere(facts, program);
}

/* man 2 prctl, PR_SET_NO_NEW_PRIVS: exec ignores set-user-ID bits and file capabilities. */
static bool mapper_has_no_new_privs(struct facts *facts, const char *arg)
{
	char value[16];

	(void)arg;
	return find_mapper(facts) &&
	       machine_status(facts->machine, "NoNewPrivs", value, sizeof(value)) &&
	       streq(value, "1");
}

static bool mapper_is_on_nosuid(struct facts *facts, const char *arg)
{
	(void)arg;
	return find_mapper(facts) && is_mounted_with(facts, facts->path, "nosuid");
}

static bool mapper_lacks_setuid(struct facts *facts, const char *arg)
{
	char place[PATH_MAX];
	struct stat st;

	(void)arg;
	return find_mapper(facts) &&
	       machine_path(facts->machine, facts->path, place, sizeof(place)) &&
	       stat(place, &st) == 0 && !(st.st_mode & S_ISUID) &&
	       getxattr(place, "security.capability", NULL, 0) <= 0;
}

/* Where PATH leads to one without, is there one with the bit? */
static bool setuid_mapper_is_elsewhere(struct facts *facts, const char *arg)
{
	const char *program = mapper(facts);
	char path[PATH_MAX];
	struct mount mount;

	return program && (mapper_lacks_setuid(facts, arg) || mapper_is_on_nosuid(facts, arg)) &&
	       machine_find_elsewhere(facts->machine, program, S_ISUID | 0111, facts->value,
				      sizeof(facts->value)) &&
	       str_print(path, sizeof(path), "%s/%s", facts->value, program) == 0 &&
	       !(machine_mount(facts->machine, path, &mount) && mount_has(&mount, "nosuid"));
}

static unsigned capability(const char *arg)
{
	uint32_t cap = 0;

	(void)parse_u32(arg, 63, &cap);
	return cap;
}

static bool lacks_cap(struct facts *facts, const char *arg)
{
	return machine_lacks_cap(facts->machine, capability(arg)) &&
	       machine_status(facts->machine, "CapBnd", facts->value, sizeof(facts->value));
}

/*
 * A set-user-ID newuidmap that stays root has no power over a namespace whose owner is another user
 * (man 7 user_namespaces, "Capabilities"), but by CAP_SYS_ADMIN over the namespace around it; and
 * the file is that user's. One that becomes the user again, as shadow's does when it is built with
 * libcap, needs neither.
 */
static bool root_lacks_power(struct facts *facts)
{
	return machine_uid(facts->machine) != 0 &&
	       (machine_lacks_cap(facts->machine, 21 /* CAP_SYS_ADMIN */) ||
		machine_lacks_cap(facts->machine, 1 /* CAP_DAC_OVERRIDE */)) &&
	       machine_status(facts->machine, "CapBnd", facts->value, sizeof(facts->value));
}

static bool mapper_is_setuid(struct facts *facts)
{
	char place[PATH_MAX];
	struct stat st;

	return find_mapper(facts) &&
	       machine_path(facts->machine, facts->path, place, sizeof(place)) &&
	       stat(place, &st) == 0 && (st.st_mode & S_ISUID);
}

static bool is_in(const struct facts *facts, const char *where)
{
	return machine_in_container(facts->machine) == streq(where, "container");
}

static bool mapper_needs_sys_admin(struct facts *facts, const char *arg)
{
	return is_in(facts, arg) && mapper_is_setuid(facts) && root_lacks_power(facts);
}

static bool mapper_lacks_filecaps(struct facts *facts, const char *arg)
{
	return is_in(facts, arg) && mapper_lacks_setuid(facts, arg) && root_lacks_power(facts);
}

static bool mapper_lacks_cap_and_filecaps(struct facts *facts, const char *arg)
{
	(void)arg;
	return (machine_lacks_cap(facts->machine, 7 /* CAP_SETUID */) ||
		machine_lacks_cap(facts->machine, 6 /* CAP_SETGID */)) &&
	       mapper_is_setuid(facts) && root_lacks_power(facts);
}

static bool newuidmap_lacks_cap(struct facts *facts, const char *arg)
{
	return streq(facts->err->about, "newuidmap") && lacks_cap(facts, arg);
}

static bool newgidmap_lacks_cap(struct facts *facts, const char *arg)
{
	return streq(facts->err->about, "newgidmap") && lacks_cap(facts, arg);
}

static bool root_lacks_cap(struct facts *facts, const char *arg)
{
	return machine_uid(facts->machine) == 0 && lacks_cap(facts, arg);
}

/* newuidmap inherits it. */
static bool mapper_has_filter(struct facts *facts, const char *arg)
{
	(void)arg;
	return has_filter(facts);
}

static bool group_is_not_of_account(struct facts *facts, const char *arg)
{
	uint32_t gid = machine_gid(facts->machine), usual;

	(void)arg;
	if (!machine_account(facts->machine, &usual) || usual == UINT32_MAX || usual == gid)
		return false;
	machine_group(facts->machine, gid, facts->value, sizeof(facts->value));
	machine_group(facts->machine, usual, facts->path, sizeof(facts->path));
	return true;
}

const struct cause causes_of_mappers[] = {
	{
		.id = "newuidmap-not-in-path",
		.steps = IDMAP,
		.codes = {ENOENT},
		.reasons = {REASON_EXEC},
		.test = mapper_is_elsewhere,
		.cause = "it is {path}, and PATH does not have {value}",
		.remedy = "PATH=$PATH:{value}",
	},
	{
		.id = "newuidmap-missing",
		.steps = IDMAP,
		.codes = {ENOENT},
		.reasons = {REASON_EXEC},
		.test = mapper_is_missing,
		.cause = "{path} is not in PATH ({value})",
		.remedy = "{install newuidmap}",
	},
	{
		.id = "getsubids-missing",
		.steps = IDMAP,
		.codes = {ENOENT},
		.reasons = {REASON_EXEC},
		.test = getsubids_is_missing,
		.cause = "{path}, which asks the source that nsswitch.conf names for subordinate "
			 "ids, is not there",
		.remedy = "{install getsubids}; or --subid-source=static",
	},
	{
		/* First: opening the file never fails like that for want of privileges. */
		.id = "seccomp-openat2",
		.steps = IDMAP,
		.codes = {EPERM},
		.reasons = {REASON_MAP_OPEN},
		.test = mapper_has_filter,
		.cause = "a seccomp filter is on this process (/proc/self/status: Seccomp: "
			 "{value}) that refuses openat2(2), by which the newuidmap and newgidmap "
			 "of shadow 4.17 and newer open the map",
		.docker = "--security-opt seccomp=unconfined",
		.kubernetes = "securityContext.seccompProfile.type: Unconfined",
		.remedy = "or a profile that allows openat2; in systemd a SystemCallFilter= that "
			  "does; or --idmap=single",
	},
	{
		.id = "no-new-privs",
		.steps = IDMAP,
		.codes = {EPERM},
		.test = mapper_has_no_new_privs,
		.cause = "no_new_privs is set on this process (/proc/self/status: NoNewPrivs: 1), "
			 "so {path} gains no privileges",
		.kubernetes = "securityContext.allowPrivilegeEscalation: true",
		.remedy = "without --security-opt no-new-privileges of Docker; in systemd "
			  "NoNewPrivileges=no; or --idmap=single",
	},
	{
		/* NixOS: that of the package comes before the wrapper with the bit. */
		.id = "setuid-elsewhere",
		.steps = IDMAP,
		.codes = {EPERM},
		.test = setuid_mapper_is_elsewhere,
		.cause = "{path}, to which PATH leads, gains no privileges; the one in {value} "
			 "does",
		.remedy = "PATH={value}:$PATH",
	},
	{
		.id = "nosuid",
		.steps = IDMAP,
		.codes = {EPERM},
		.test = mapper_is_on_nosuid,
		.cause = "{path} is on {point}, which is mounted nosuid, so it gains no privileges",
		.remedy = "sudo mount -o remount,suid {point}",
	},
	{
		/* Where the set-user-ID bit would not do either. */
		.id = "filecaps-lost-in-image",
		.steps = IDMAP,
		.codes = {EPERM},
		.test = mapper_lacks_filecaps,
		.arg = "container",
		.cause = "{path} has neither the set-user-ID bit nor file capabilities",
		.remedy = "in the image's Dockerfile: " RUN_SETCAP,
	},
	{
		.id = "filecaps-lost",
		.steps = IDMAP,
		.codes = {EPERM},
		.test = mapper_lacks_filecaps,
		.arg = "host",
		.cause = "{path} has neither the set-user-ID bit nor file capabilities",
		.remedy = SUDO_SETCAP,
	},
	{
		.id = "setuid-lost",
		.steps = IDMAP,
		.codes = {EPERM},
		.test = mapper_lacks_setuid,
		.cause = "{path} has neither the set-user-ID bit nor file capabilities",
		.remedy = "sudo chmod u+s {path}",
	},
	{
		/* As with "drop: ALL" of Kubernetes: one capability more would not be enough. */
		.id = "no-cap-setuid-nor-filecaps",
		.steps = IDMAP,
		.codes = {EPERM},
		.test = mapper_lacks_cap_and_filecaps,
		.cause = "CAP_SETUID or CAP_SETGID is outside of our capability bounding set "
			 "(/proc/self/status: CapBnd: {value}), and so is what {path} needs "
			 "because it is "
			 "set-user-ID: CAP_SYS_ADMIN and CAP_DAC_OVERRIDE",
		.docker = "--cap-add SETUID --cap-add SETGID",
		.kubernetes = "securityContext.capabilities.add: [SETUID, SETGID]",
		.remedy = "and in the image's Dockerfile: " RUN_SETCAP "; in systemd " BOUNDING_SET,
	},
	{
		/* Debian's and Ubuntu's stay root while they write, in a namespace that root does
		 * not own. */
		.id = "setuid-needs-sys-admin-in-image",
		.steps = IDMAP,
		.codes = {EPERM},
		.reasons = {REASON_MAP_OPEN, REASON_MAP_WRITE},
		.test = mapper_needs_sys_admin,
		.arg = "container",
		.cause = "{path} is set-user-ID and needs CAP_SYS_ADMIN and CAP_DAC_OVERRIDE to "
			 "write "
			 "the map; our capability bounding set does not have both "
			 "(/proc/self/status: CapBnd: {value})",
		.remedy = "in the image's Dockerfile: " RUN_SETCAP,
	},
	{
		.id = "setuid-needs-sys-admin",
		.steps = IDMAP,
		.codes = {EPERM},
		.reasons = {REASON_MAP_OPEN, REASON_MAP_WRITE},
		.test = mapper_needs_sys_admin,
		.arg = "host",
		.cause = "{path} is set-user-ID and needs CAP_SYS_ADMIN and CAP_DAC_OVERRIDE to "
			 "write "
			 "the map; our capability bounding set does not have both "
			 "(/proc/self/status: CapBnd: {value})",
		.remedy = SUDO_SETCAP "; or in systemd " BOUNDING_SET,
	},
	{
		.id = "no-cap-setuid",
		.steps = IDMAP,
		.codes = {EPERM},
		.test = newuidmap_lacks_cap,
		.arg = "7", /* CAP_SETUID */
		.cause = "CAP_SETUID is outside of our capability bounding set "
			 "(/proc/self/status: CapBnd: {value}), so newuidmap cannot have it either",
		.docker = "--cap-add SETUID --cap-add SETGID",
		.kubernetes = "securityContext.capabilities.add: [SETUID, SETGID]",
		.remedy = "in systemd " BOUNDING_SET,
	},
	{
		.id = "no-cap-setgid",
		.steps = IDMAP,
		.codes = {EPERM},
		.test = newgidmap_lacks_cap,
		.arg = "6", /* CAP_SETGID */
		.cause = "CAP_SETGID is outside of our capability bounding set "
			 "(/proc/self/status: CapBnd: {value}), so newgidmap cannot have it either",
		.docker = "--cap-add SETUID --cap-add SETGID",
		.kubernetes = "securityContext.capabilities.add: [SETUID, SETGID]",
		.remedy = "in systemd " BOUNDING_SET,
	},
	{
		.id = "no-cap-setfcap",
		.steps = IDMAP,
		.codes = {EPERM},
		.test = root_lacks_cap,
		.arg = "31", /* CAP_SETFCAP */
		.cause =
			"CAP_SETFCAP is outside of our capability bounding set (/proc/self/status: "
			"CapBnd: {value}); mapping the outer uid 0 needs it since Linux 5.12",
		.docker = "--cap-add SETFCAP",
		.kubernetes = "securityContext.capabilities.add: [SETFCAP]",
		.remedy = "or run it as another user than root",
	},
	{
		/* Some container platforms run with a uid of their own choice. */
		.id = "no-account",
		.steps = IDMAP,
		.codes = {EPERM},
		.reasons = {REASON_NO_ACCOUNT},
		.cause = "newuidmap and newgidmap want an account, and neither /etc/passwd nor "
			 "another source of nsswitch.conf has one for uid {uid}",
		.remedy = "echo user{uid}:x:{uid}:{gid}::/:/bin/sh | sudo tee -a /etc/passwd; or "
			  "--idmap=single",
	},
	{
		.id = "group-switched",
		.steps = IDMAP,
		.codes = {EPERM},
		.reasons = {REASON_NOT_OWNER},
		.test = group_is_not_of_account,
		.cause = "this process has the group {value} and not {path}, which /etc/passwd "
			 "gives "
			 "{user}, as after newgrp or sg; newuidmap and newgidmap refuse that",
		.remedy = "sg {path} -c 'fauxroot …'; or a shell without newgrp",
	},
	{.cause = NULL},
};

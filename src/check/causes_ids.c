/* SPDX-License-Identifier: Apache-2.0 */
/* The table of causes: newuidmap(1), newgidmap(1), subordinate ids. */
#include "cause.h"

#include <errno.h>

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

const struct cause causes_of_ids[] = {
	/* Ids: the programs. */
	{
		.id = "newuidmap-not-in-path",
		.steps = IDMAP,
		.codes = {ENOENT},
		.says = "executing",
		.test = mapper_is_elsewhere,
		.cause = "it is {path}, and PATH does not have {value}",
		.remedy = "PATH=$PATH:{value}",
	},
	{
		.id = "newuidmap-missing",
		.steps = IDMAP,
		.codes = {ENOENT},
		.says = "executing",
		.test = mapper_is_missing,
		.cause = "{path} is not in PATH ({value})",
		.remedy = "{install newuidmap}",
	},
	{
		.id = "getsubids-missing",
		.steps = IDMAP,
		.codes = {ENOENT},
		.says = "executing",
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
		.says = "open of ",
		.test = filter_refuses_mapper,
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
		.says = "_map failed",
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
		.says = "_map failed",
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
		.says = "newuidmap",
		.test = mapper_lacks_cap,
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
		.says = "newgidmap",
		.test = mapper_lacks_cap,
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
		.id = "range-outside-map",
		.steps = IDMAP,
		.codes = {EPERM},
		.test = ranges_are_not_ours,
		.cause = "{value}, is not within the ids of the user namespace we are in ({path})",
		.remedy = "give {user} a range inside of it in /etc/subuid and /etc/subgid "
			  "({user}:{free line}), or give this container more ids (in LXD: "
			  "security.idmap.size); in a unit of systemd PrivateUsers=no",
	},
	{
		.id = "subid-source-differs",
		.steps = IDMAP,
		.codes = {EPERM},
		.says = "not allowed",
		.test = ranges_come_from_elsewhere,
		.cause = "/etc/nsswitch.conf has \"{value}\": newuidmap goes by that source, and "
			 "it does not give us these ranges",
		.remedy = "--subid-source=dynamic",
	},

	{
		.id = "ranges-not-granted",
		.steps = IDMAP,
		.codes = {EPERM},
		.says = "not allowed",
		.test = dynamic_source_was_asked_for,
		.cause = "newuidmap and newgidmap do not grant what getsubids names: {value}",
		.remedy = "--subid-source=static",
	},
	{
		/* Some container platforms run with a uid of their own choice. */
		.id = "no-account",
		.steps = IDMAP,
		.codes = {EPERM},
		.says = "Cannot determine your user name",
		.cause = "newuidmap and newgidmap want an account, and neither /etc/passwd nor "
			 "another source of nsswitch.conf has one for uid {uid}",
		.remedy = "echo user{uid}:x:{uid}:{gid}::/:/bin/sh | sudo tee -a /etc/passwd; or "
			  "--idmap=single",
	},
	{
		.id = "group-switched",
		.steps = IDMAP,
		.codes = {EPERM},
		.says = "owned by a different user",
		.test = group_is_not_of_account,
		.cause = "this process has the group {value} and not {path}, which /etc/passwd "
			 "gives "
			 "{user}, as after newgrp or sg; newuidmap and newgidmap refuse that",
		.remedy = "sg {path} -c 'fauxroot …'; or a shell without newgrp",
	},

	/* Ids: the ranges. */
	{
		.id = "getsubids-failed",
		.steps = IDMAP,
		.says = "getsubids",
		.test = static_source_would_do,
		.cause = "getsubids gives no ranges, though {value}",
		.remedy = "--subid-source=static",
	},
	{
		.id = "ranges-unusable",
		.steps = IDMAP,
		.codes = {EINVAL},
		.test = has_lines,
		.cause = "{value}",
		.remedy = "keep lines that overlap neither each other nor the uid {uid}; free on "
			  "this machine is {user}:{free line}",
	},
	{
		.id = "subid-source-empty",
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
		/* A user namespace within another one, of a few ids. */
		.id = "no-ids-to-give",
		.steps = IDMAP,
		.codes = {ENOENT},
		.says = "subordinate",
		.test = no_range_is_free,
		.cause = "{user} has no line in /etc/subuid or /etc/subgid, and the user "
			 "namespace that we are in has no ids left for one (/proc/self/uid_map)",
		.remedy = "--idmap=single; or give this container more ids (in LXD: "
			  "security.idmap.size)",
	},
	{
		/* usermod(8) adds to files, it makes none. */
		.id = "no-subid-file",
		.steps = IDMAP,
		.codes = {ENOENT},
		.says = "there is no /etc/sub",
		.test = subid_file_is_missing,
		.cause = "there is no {path}",
		.remedy = "sudo touch {path} && sudo usermod {value} {user}; or --idmap=single",
	},
	{
		.id = "no-ranges",
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
		.id = "no-uid-range",
		.steps = IDMAP,
		.codes = {ENOENT},
		.says = "has no subordinate",
		.test = local_user_lacks_ranges,
		.arg = "u",
		.cause = "{path} has no line for {user} or {uid}",
		.remedy = "sudo usermod --add-subuids {free range} {user}; or --idmap=single",
	},
	{
		.id = "no-gid-range",
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
		.id = "no-ranges-no-account",
		.steps = IDMAP,
		.codes = {ENOENT},
		.says = "has no subordinate",
		.test = user_lacks_ranges,
		.cause = "no line for uid {uid} in {path}, nor does /etc/passwd have that uid",
		.remedy = "echo {uid}:{free line} | sudo tee -a {value}; where the account's "
			  "directory has ranges: \"subid: sss\" in /etc/nsswitch.conf; or "
			  "--idmap=single",
	},
	{.cause = NULL},
};

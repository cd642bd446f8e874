/* SPDX-License-Identifier: Apache-2.0 */
/* What lets the clone pass and refuses what needs rights inside. */
#include "../cause.h"

#include <errno.h>

#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"
#include "fauxroot/machine/mountinfo.h"

/* All that happens in the new namespaces before the target: AppArmor lets the clone pass there. */
#define INSIDE                                                               \
	(STEP_BIT(STEP_NONE) | STEP_BIT(STEP_CLONE) | STEP_BIT(STEP_IDMAP) | \
	 STEP_BIT(STEP_MOUNT) | STEP_BIT(STEP_PROC) | STEP_BIT(STEP_NET))

/* What a network helper does, and whether it can be executed, is not among that. */
static bool is_inside(const struct facts *facts)
{
	switch (facts->err->reason) {
	case REASON_EXEC:
	case REASON_DIED:
	case REASON_TOO_OLD:
	case REASON_OTHER_PROGRAM:
		return facts->err->step != STEP_NET;
	default:
		return true;
	}
}

static bool has_seccomp_filter(struct facts *facts, const char *arg)
{
	(void)arg;
	return !mapper_failed_to_write(facts->err) && has_filter(facts);
}

/* Our AppArmor label, "docker-default (enforce)"; the first file is that of newer kernels. */
static bool apparmor_label(struct facts *facts)
{
	static const char *const files[] = {
		"/proc/self/attr/apparmor/current",
		"/proc/self/attr/current",
	};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		(void)str_print(facts->path, sizeof(facts->path), "%s", files[i]);
		if (machine_word(facts->machine, files[i], facts->value, sizeof(facts->value)))
			return true;
	}
	return false;
}

/* A profile of our own, even one that confines nothing, has a name that is in the label. */
static bool apparmor_restricts(struct facts *facts, const char *arg)
{
	(void)arg;
	if (!is_inside(facts) || (apparmor_label(facts) && !streq(facts->value, "unconfined")))
		return false;
	return sysctl_is_there(facts, "kernel/apparmor_restrict_unprivileged_userns") &&
	       streq(facts->value, "1");
}

static bool is_apparmor_confined(struct facts *facts, const char *arg)
{
	(void)arg;
	return is_inside(facts) && apparmor_label(facts) && strstr(facts->value, " (enforce)");
}

/*
 * mount_too_revealing() in fs/namespace.c: a mount on a directory that is always empty hides
 * nothing; below /proc that is binfmt_misc's.
 */
bool proc_is_masked(struct facts *facts, const char *arg)
{
	_cleanup_free_ char *text = machine_read(facts->machine, "/proc/self/mountinfo");
	struct cursor c = cursor_of(text ? text : "");
	struct mount mount;

	(void)arg;
	while (mountinfo_next(&c, &mount)) {
		size_t used = strlen(facts->value);

		if (str_after(mount.point, "/proc/") && !strstr(mount.point, "binfmt_misc"))
			(void)str_print(facts->value + used, sizeof(facts->value) - used, "%s%s",
					used > 0 ? " " : "", mount.point);
	}
	return *facts->value != '\0';
}

static bool selinux_enforces(struct facts *facts, const char *arg)
{
	char enforces[8];

	(void)arg;
	(void)str_print(facts->path, sizeof(facts->path), "/sys/fs/selinux/enforce");
	return is_inside(facts) &&
	       machine_word(facts->machine, facts->path, enforces, sizeof(enforces)) &&
	       streq(enforces, "1") &&
	       machine_word(facts->machine, "/proc/self/attr/current", facts->value,
			    sizeof(facts->value));
}

static bool is_in_flatpak(struct facts *facts, const char *arg)
{
	return is_inside(facts) && str_print(facts->path, sizeof(facts->path), "%s", arg) == 0 &&
	       machine_exists(facts->machine, arg);
}

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
		.test = is_in_flatpak,
		.arg = "/.flatpak-info",
		.cause = "this is within a Flatpak ({path}), where no program may make namespaces",
		.remedy = "flatpak-spawn --host fauxroot …, which runs it outside",
	},
	{
		.id = "seccomp",
		.steps = INSIDE,
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

/* SPDX-License-Identifier: Apache-2.0 */
/* Confinement that allows clone(2) but refuses operations that need capabilities in the new
 * namespaces. */
#include "../cause.h"

#include <errno.h>

#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"
#include "fauxroot/machine/mountinfo.h"

/* All steps in the new namespaces before the target starts. */
#define INSIDE                                                               \
	(STEP_BIT(STEP_NONE) | STEP_BIT(STEP_CLONE) | STEP_BIT(STEP_IDMAP) | \
	 STEP_BIT(STEP_MOUNT) | STEP_BIT(STEP_PROC) | STEP_BIT(STEP_NET))

/* The network helper runs outside of these namespaces. */
static bool is_inside(const struct facts *facts)
{
	switch (facts->err->reason) {
	case REASON_EXEC:
	case REASON_DIED:
	case REASON_LOADER:
	case REASON_TOO_OLD:
	case REASON_OTHER_PROGRAM:
	case REASON_NO_ROUTE:
	case REASON_CONFINED:
		return facts->err->step != STEP_NET;
	default:
		return true;
	}
}

static bool has_seccomp_filter(struct facts *facts)
{
	return !mapper_failed_to_write(facts->err) && has_filter(facts);
}

/* Our AppArmor label: "docker-default (enforce)". Only newer kernels have the first file. */
static bool apparmor_label(struct facts *facts)
{
	static const char *const files[] = {"/proc/self/attr/apparmor/current",
					    "/proc/self/attr/current"};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (fact_file(facts, "label", files[i]))
			return fact(facts, "file", "%s", files[i]);
	return false;
}

/* Any profile of our own, even an unconfined one, has its name in the label. */
static bool apparmor_restricts(struct facts *facts)
{
	return is_inside(facts) &&
	       !(apparmor_label(facts) && !streq(fact_text(facts, "label"), "unconfined")) &&
	       setting_is(facts, "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1");
}

static bool is_apparmor_confined(struct facts *facts)
{
	return is_inside(facts) && apparmor_label(facts) &&
	       strstr(fact_text(facts, "label"), " (enforce)");
}

/* Engines have one profile for all containers. */
static bool is_of_engine(const char *label)
{
	static const char *const parts[] = {"docker", "container", "crio", "lxc", "lxd", "incus"};

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (strstr(label, parts[i]))
			return true;
	return false;
}

/* An administrator's profile: for fauxroot, under its name or its path, or for a program on the
 * host that started it. */
static bool has_apparmor_profile(struct facts *facts)
{
	struct container container;
	const char *label, *mode;

	if (!is_apparmor_confined(facts))
		return false;
	label = fact_text(facts, "label");
	mode = strstr(label, " (enforce)");
	if (!memmem(label, (size_t)(mode - label), "fauxroot", strlen("fauxroot")) &&
	    (is_of_engine(label) || machine_container(facts->machine, &container)))
		return false;
	return fact(facts, "profile", "%.*s", (int)(mode - label), label);
}

/*
 * mount_too_revealing() in fs/namespace.c ignores mounts on a directory that is always empty. Under
 * /proc this is the directory of binfmt_misc.
 */
bool proc_is_masked(struct facts *facts)
{
	_cleanup_free_ char *text = machine_read(facts->machine, "/proc/self/mountinfo");
	struct cursor c = cursor_of(text ? text : "");
	struct mount mount;

	while (mountinfo_next(&c, &mount))
		if (str_after(mount.point, "/proc/") && !strstr(mount.point, "binfmt_misc"))
			(void)fact_add(facts, "masks", " ", "%s", mount.point);
	return *fact_text(facts, "masks") != '\0';
}

static bool selinux_enforces(struct facts *facts)
{
	return is_inside(facts) && setting_is(facts, "/sys/fs/selinux/enforce", "1") &&
	       fact_file(facts, "label", "/proc/self/attr/current");
}

static bool is_in_flatpak(struct facts *facts)
{
	return is_inside(facts) && machine_exists(facts->machine, "/.flatpak-info");
}

static bool mounts_are_limited(struct facts *facts)
{
	return fact_file(facts, "setting", "/proc/sys/fs/mount-max");
}

const struct cause causes_of_confinement[] = {
	{FAILURE("proc-masked", STEP_BIT(STEP_PROC), ANY_REASON, EPERM), .test = proc_is_masked,
	 .cause = "parts of /proc are masked here ({masks}); the kernel then refuses to mount "
		  "another proc",
	 UNMASK, .remedy = "omit --pidns # for buildkitd, add --oci-worker-no-process-sandbox"},
	{FAILURE("flatpak", INSIDE, ANY_REASON, EPERM, ENOSYS), .test = is_in_flatpak,
	 .cause = "this process runs in a Flatpak (/.flatpak-info), which forbids namespaces",
	 .remedy = "flatpak-spawn --host fauxroot … # runs it on the host"},
	{FAILURE("seccomp", INSIDE, ANY_REASON, EPERM, ENOSYS), .test = has_seccomp_filter,
	 .cause = "this process has a seccomp filter (/proc/self/status: Seccomp: {seccomp}); the "
		  "filters of container engines and of systemd's RestrictNamespaces= refuse "
		  "namespaces and mounts",
	 UNFILTERED, .remedy = "in a systemd unit, set RestrictNamespaces=no"},
	{FAILURE("apparmor-userns", INSIDE, ANY_REASON, EPERM, EACCES), .test = apparmor_restricts,
	 .cause = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns is 1: a program without "
		  "an AppArmor profile that allows userns has no capabilities in a user namespace",
	 .remedy = "printf 'abi <abi/4.0>,\\ninclude <tunables/global>\\nprofile fauxroot \"%s\" "
		   "flags=(unconfined) {{\\n userns,\\n}\\n' {self} | sudo tee "
		   "/etc/apparmor.d/fauxroot && sudo apparmor_parser -r /etc/apparmor.d/fauxroot"},
	{FAILURE("apparmor-profile", INSIDE, ANY_REASON, EPERM, EACCES),
	 .test = has_apparmor_profile,
	 .cause = "the AppArmor profile {profile} confines fauxroot ({file}: {label})",
	 .remedy = "printf %s {profile} | sudo tee /sys/kernel/security/apparmor/.remove # removes "
		   "the profile until the next boot; to keep the profile, add \"userns,\" and "
		   "\"mount,\" to it instead"},
	{FAILURE("apparmor-confined", INSIDE, ANY_REASON, EPERM, EACCES),
	 .test = is_apparmor_confined, .cause = "AppArmor confines this process ({file}: {label})",
	 .docker = "--security-opt apparmor=unconfined",
	 .kubernetes = "set securityContext.appArmorProfile.type: Unconfined",
	 .lxd = "config set NAME security.nesting=true"},
	{FAILURE("selinux", INSIDE, ANY_REASON, EACCES), .test = selinux_enforces,
	 .cause = "SELinux enforces its policy (/sys/fs/selinux/enforce: 1) on this process "
		  "({label})",
	 .docker = "--security-opt label=disable",
	 .kubernetes = "set securityContext.seLinuxOptions.type: spc_t",
	 .remedy = "sudo ausearch -m avc -ts recent # lists what SELinux refused"},
	{FAILURE("mount-max", STEP_BIT(STEP_MOUNT), ANY_REASON, ENOSPC), .test = mounts_are_limited,
	 .cause = "/proc/sys/fs/mount-max is {setting}: a mount namespace cannot have more mounts",
	 .remedy = SYSCTL("fs.mount-max=200000") "\nuse fewer --copy-up options"},
	{.cause = NULL},
};

/* SPDX-License-Identifier: Apache-2.0 */
/* Why clone(2) does not create the namespaces. */
#include "../cause.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"
#include "fauxroot/machine/mountinfo.h"

#define CLONE STEP_BIT(STEP_CLONE)

bool kernel_is_older(struct facts *facts, uint32_t major, uint32_t minor)
{
	struct cursor c;
	uint32_t ours, our_minor;

	if (!fact_file(facts, "release", "/proc/sys/kernel/osrelease"))
		return false;
	c = cursor_of(fact_text(facts, "release"));
	return cursor_u32(&c, UINT32_MAX, &ours) == 0 && cursor_char(&c, '.') &&
	       cursor_u32(&c, UINT32_MAX, &our_minor) == 0 &&
	       (ours < major || (ours == major && our_minor < minor));
}

static bool kernel_is_old(struct facts *facts)
{
	return kernel_is_older(facts, 5, 10);
}

static bool has_no_proc(struct facts *facts)
{
	return str_after(facts->err->about, "/proc/") &&
	       !machine_exists(facts->machine, "/proc/self");
}

static bool userns_clone_is_off(struct facts *facts)
{
	return setting_is(facts, "/proc/sys/kernel/unprivileged_userns_clone", "0");
}

/*
 * mountinfo shows the mounts under the root of a process (man 5 proc). In a chroot, no mount is at
 * "/", unless the new root is a mount point; such a chroot cannot be recognized.
 */
static bool is_chroot(struct facts *facts)
{
	struct mount mount;

	return machine_exists(facts->machine, "/proc/self/mountinfo") &&
	       !machine_mount(facts->machine, "/", &mount);
}

/*
 * The kernel takes the topmost mount on / for the root of the mount namespace, and counts a process
 * below it as one in a chroot. Only such a process sees two mounts there. Sets {type}.
 */
static bool root_is_covered(struct facts *facts)
{
	_cleanup_free_ char *text = machine_read(facts->machine, "/proc/self/mountinfo");
	struct cursor c = cursor_of(text ? text : "");
	struct mount mount;
	unsigned n = 0;

	while (mountinfo_next(&c, &mount))
		if (streq(mount.point, "/") && ++n > 1)
			(void)fact(facts, "type", "%s", mount.type);
	return n > 1;
}

/* A process without an id in its user namespace may not create another (man 2 clone, EPERM). */
static bool is_unmapped(struct facts *facts)
{
	uint32_t uid = machine_uid(facts->machine), gid = machine_gid(facts->machine);

	if (!machine_maps(facts->machine, "uid_map", uid, 1))
		return fact(facts, "id", "uid %u", uid) && fact(facts, "map", "uid_map");
	return !machine_maps(facts->machine, "gid_map", gid, 1) &&
	       fact(facts, "id", "gid %u", gid) && fact(facts, "map", "gid_map");
}

/* A kind of namespace, by its name in /proc/sys/user/max_…_namespaces. */
struct kind {
	const char *name, *otherwise; /* the option to omit or to use */
	bool made;
};

#define KINDS 7

static void list_kinds(const struct config *config, struct kind *kinds)
{
	const struct kind all[KINDS] = {
		{"user", NULL, true},
		{"mnt", NULL, true},
		{"net", "use --net=host", config->net != NET_HOST},
		{"pid", "omit --pidns", config->pidns},
		{"cgroup", "omit --cgroupns", config->cgroupns},
		{"uts", "omit --utsns", config->utsns},
		{"ipc", "omit --ipcns", config->ipcns},
	};

	memcpy(kinds, all, sizeof(all));
}

static bool read_limit(struct facts *facts, const char *kind)
{
	char path[64];

	(void)str_print(path, sizeof(path), "/proc/sys/user/max_%s_namespaces", kind);
	return fact_file(facts, "limit", path);
}

/* A launch creates two. */
static bool user_limit_is_low(struct facts *facts)
{
	return read_limit(facts, "user") &&
	       (streq(fact_text(facts, "limit"), "0") || streq(fact_text(facts, "limit"), "1"));
}

static bool limit_is_zero(struct facts *facts)
{
	struct kind kinds[KINDS];

	list_kinds(facts->config, kinds);
	for (size_t i = 0; i < KINDS; i++)
		if (kinds[i].made && read_limit(facts, kinds[i].name) &&
		    streq(fact_text(facts, "limit"), "0"))
			return fact(facts, "kind", "%s", kinds[i].name) &&
			       fact(facts, "instead", "%s",
				    kinds[i].otherwise ? kinds[i].otherwise : "");
	return false;
}

/* "max_user_namespaces 63000, max_mnt_namespaces 63000" */
static bool limits_are_there(struct facts *facts)
{
	struct kind kinds[KINDS];

	list_kinds(facts->config, kinds);
	for (size_t i = 0; i < KINDS; i++)
		if (kinds[i].made && read_limit(facts, kinds[i].name))
			(void)fact_add(facts, "limits", ", ", "max_%s_namespaces %s", kinds[i].name,
				       fact_text(facts, "limit"));
	return *fact_text(facts, "limits") != '\0';
}

static bool kernel_has_no_userns(struct facts *facts)
{
	return machine_exists(facts->machine, "/proc/self/status") &&
	       !machine_exists(facts->machine, "/proc/self/ns/user");
}

const struct cause causes_of_namespaces[] = {
	{FAILURE("kernel-old", ANY_STEP, ANY_REASON, EINVAL, ENOSYS), .test = kernel_is_old,
	 .cause = "/proc/sys/kernel/osrelease is {release}: fauxroot needs Linux 5.10 or newer",
	 .remedy = "install a newer kernel\nreboot, if a newer kernel is installed already"},
	{FAILURE("no-proc", ANY_STEP, REASON_FILE, ENOENT), .test = has_no_proc,
	 .cause = "there is no proc file system on /proc",
	 .remedy = "sudo mount -t proc proc /proc"},
	{FAILURE("userns-clone-off", CLONE, ANY_REASON, EPERM), .test = userns_clone_is_off,
	 .cause = "/proc/sys/kernel/unprivileged_userns_clone is {setting}: only root may create "
		  "user namespaces",
	 .remedy = SYSCTL("kernel.unprivileged_userns_clone=1")},
	{FAILURE("root-covered", CLONE, ANY_REASON, EPERM), .test = root_is_covered,
	 .cause = "a file system of type {type} is mounted over /, and this process is still below "
		  "it, where the kernel creates no user namespaces",
	 .remedy = "sudo umount /"},
	{FAILURE("chroot", CLONE, ANY_REASON, EPERM), .test = is_chroot,
	 .cause = "this process is in a chroot (/proc/self/mountinfo has no mount at /), where the "
		  "kernel creates no user namespaces",
	 .remedy = "enter the directory with pivot_root(2), as containers and systemd-nspawn do"},
	{FAILURE("unmapped-id", CLONE, ANY_REASON, EPERM), .test = is_unmapped,
	 .cause = "our {id} is not in /proc/self/{map}: a process whose id is not mapped cannot "
		  "create a user namespace",
	 .remedy = "run the container as a user that is in its id map"},
	{FAILURE("max-user-namespaces", CLONE, ANY_REASON, ENOSPC, EINVAL, EUSERS),
	 .test = user_limit_is_low,
	 .cause = "/proc/sys/user/max_user_namespaces is {limit}: a launch creates two nested user "
		  "namespaces",
	 .remedy = SYSCTL("user.max_user_namespaces=28633") " # in Kubernetes: on the node\nin "
							    "Bottlerocket, set "
							    "settings.kernel.sysctl.\"user.max_"
							    "user_namespaces\"=\"28633\""},
	{FAILURE("max-namespaces", CLONE, ANY_REASON, ENOSPC), .test = limit_is_zero,
	 .cause = "/proc/sys/user/max_{kind}_namespaces is {limit}: the kernel creates no such "
		  "namespace",
	 .remedy = SYSCTL("user.max_{kind}_namespaces=28633") "\n{instead}"},
	{FAILURE("namespaces-used-up", CLONE, ANY_REASON, ENOSPC), .test = limits_are_there,
	 .cause = "one of the limits in /proc/sys/user ({limits}) is used up by this user, or an "
		  "outer user namespace has a lower one, or user namespaces are nested too deep: "
		  "there are 32 levels, and a launch needs two",
	 .remedy = "lsns # lists the namespaces and their processes\nsudo sysctl -w "
		   "user.max_user_namespaces=N # raise the other limits in the same way\nstart "
		   "fauxroot in a "
		   "less deeply nested user namespace"},
	{FAILURE("no-user-namespaces", CLONE, ANY_REASON, EINVAL), .test = kernel_has_no_userns,
	 .cause = "this kernel has no user namespaces: there is no /proc/self/ns/user",
	 .remedy = "use a kernel with CONFIG_USER_NS=y"},
	{.cause = NULL},
};

/* SPDX-License-Identifier: Apache-2.0 */
/* What keeps clone(2) from making the namespaces. */
#include "../cause.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"
#include "fauxroot/machine/mountinfo.h"

#define CLONE STEP_BIT(STEP_CLONE)
#define ANY   (~0U)

static bool parse_release(const char *text, uint32_t *ret_major, uint32_t *ret_minor)
{
	struct cursor c = cursor_of(text);

	return cursor_u32(&c, UINT32_MAX, ret_major) == 0 && cursor_char(&c, '.') &&
	       cursor_u32(&c, UINT32_MAX, ret_minor) == 0;
}

bool kernel_is_older(struct facts *facts, const char *arg)
{
	uint32_t major, minor, wanted_major, wanted_minor;

	(void)str_print(facts->path, sizeof(facts->path), "/proc/sys/kernel/osrelease");
	return parse_release(arg, &wanted_major, &wanted_minor) &&
	       machine_word(facts->machine, facts->path, facts->value, sizeof(facts->value)) &&
	       parse_release(facts->value, &major, &minor) &&
	       (major < wanted_major || (major == wanted_major && minor < wanted_minor));
}

static bool sysctl_is_zero(struct facts *facts, const char *arg)
{
	return sysctl_is_there(facts, arg) && streq(facts->value, "0");
}

/*
 * mountinfo shows the mounts below a process's root (man 5 proc): none of them is at "/" in a
 * chroot, unless the new root is a mount point itself, which cannot be told apart.
 */
static bool is_chroot(struct facts *facts, const char *arg)
{
	struct mount mount;

	(void)arg;
	return machine_exists(facts->machine, "/proc/self/mountinfo") &&
	       !machine_mount(facts->machine, "/", &mount);
}

/* Whoever has no id in its own user namespace may not make another (man 2 clone, EPERM). */
static bool is_unmapped(struct facts *facts, const char *arg)
{
	uint32_t uid = machine_uid(facts->machine), gid = machine_gid(facts->machine);
	bool uid_missing = !machine_maps(facts->machine, "uid_map", uid, 1);

	(void)arg;
	if (!uid_missing && machine_maps(facts->machine, "gid_map", gid, 1))
		return false;
	(void)str_print(facts->path, sizeof(facts->path), "/proc/self/%s",
			uid_missing ? "uid_map" : "gid_map");
	return str_print(facts->value, sizeof(facts->value), "%s %u", uid_missing ? "uid" : "gid",
			 uid_missing ? uid : gid) == 0;
}

static bool has_no_proc(struct facts *facts, const char *arg)
{
	(void)arg;
	return str_after(facts->err->about, "/proc/") &&
	       !machine_exists(facts->machine, "/proc/self");
}

static bool is_missing(struct facts *facts, const char *arg)
{
	return machine_exists(facts->machine, "/proc/self/status") &&
	       !machine_exists(facts->machine, arg);
}

/* The namespaces that a launch can make, as /proc/sys/user/max_…_namespaces calls them. */
static const char *const kinds[] = {"user", "mnt", "net", "pid", "cgroup", "uts", "ipc"};

static bool is_made(const struct config *config, const char *kind)
{
	if (streq(kind, "net"))
		return config->net != NET_HOST;
	if (streq(kind, "pid"))
		return config->pidns;
	if (streq(kind, "cgroup"))
		return config->cgroupns;
	if (streq(kind, "uts"))
		return config->utsns;
	if (streq(kind, "ipc"))
		return config->ipcns;
	return true; /* user, mnt */
}

static bool read_limit(struct facts *facts, const char *kind, char *buf, size_t size)
{
	return str_print(facts->path, sizeof(facts->path), "/proc/sys/user/max_%s_namespaces",
			 kind) == 0 &&
	       machine_word(facts->machine, facts->path, buf, size);
}

/* The first of the kinds in @arg that is asked for and has the limit @limit. */
static bool limit_is(struct facts *facts, const char *arg, const char *limit)
{
	struct cursor c = cursor_of(arg);

	while (!cursor_at_end(&c)) {
		const char *word;
		size_t n;

		cursor_until(&c, " ", &word, &n);
		cursor_char(&c, ' ');
		if (str_print(facts->point, sizeof(facts->point), "%.*s", (int)n, word) == 0 &&
		    is_made(facts->config, facts->point) &&
		    read_limit(facts, facts->point, facts->value, sizeof(facts->value)) &&
		    streq(facts->value, limit))
			return true;
	}
	return false;
}

bool limit_is_zero(struct facts *facts, const char *arg)
{
	return limit_is(facts, arg, "0");
}

static bool limit_is_one(struct facts *facts, const char *arg)
{
	return limit_is(facts, arg, "1");
}

/* "max_user_namespaces 63000, max_mnt_namespaces 63000" */
static bool limits_are_there(struct facts *facts, const char *arg)
{
	(void)arg;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		size_t used = strlen(facts->value);
		char limit[32];

		if (is_made(facts->config, kinds[i]) &&
		    read_limit(facts, kinds[i], limit, sizeof(limit)))
			(void)str_print(facts->value + used, sizeof(facts->value) - used,
					"%smax_%s_namespaces %s", used > 0 ? ", " : "", kinds[i],
					limit);
	}
	return *facts->value != '\0';
}

const struct cause causes_of_namespaces[] = {
	{
		.id = "kernel-old",
		.steps = ANY,
		.codes = {EINVAL, ENOSYS},
		.test = kernel_is_older,
		.arg = "5.10",
		.cause = "{path} is {value}: this is an older kernel than Linux 5.10",
		.remedy = "a newer kernel; a reboot, where one is installed already",
	},
	{
		.id = "no-proc",
		.steps = ANY,
		.codes = {ENOENT},
		.reasons = {REASON_FILE},
		.test = has_no_proc,
		.cause = "there is no proc file system on /proc",
		.remedy = "sudo mount -t proc proc /proc",
	},
	{
		.id = "userns-clone-off",
		.steps = CLONE,
		.codes = {EPERM},
		.test = sysctl_is_zero,
		.arg = "kernel/unprivileged_userns_clone",
		.cause = "{path} is {value}: only root may make user namespaces",
		.remedy = "echo kernel.unprivileged_userns_clone=1 | sudo tee "
			  "/etc/sysctl.d/60-fauxroot.conf && sudo sysctl --system",
	},
	{
		.id = "chroot",
		.steps = CLONE,
		.codes = {EPERM},
		.test = is_chroot,
		.cause = "this process is in a chroot (/proc/self/mountinfo has no mount at /), "
			 "where the kernel makes no user namespaces",
		.remedy = "enter the directory with pivot_root(2) instead, as containers and "
			  "systemd-nspawn do",
	},
	{
		.id = "unmapped-id",
		.steps = CLONE,
		.codes = {EPERM},
		.test = is_unmapped,
		.cause = "our {value} is not in {path}: who has no id in the user namespace it is "
			 "in can make no other",
		.remedy = "run the container with a user that its own id map has",
	},
	{
		.id = "max-user-namespaces",
		.steps = CLONE,
		.codes = {ENOSPC, EINVAL, EUSERS},
		.test = limit_is_zero,
		.arg = "user",
		.cause = "{path} is {value}: user namespaces are switched off",
		.remedy = "echo user.max_user_namespaces=28633 | sudo tee "
			  "/etc/sysctl.d/60-fauxroot.conf && sudo sysctl --system; in Kubernetes "
			  "on the node, in Bottlerocket "
			  "settings.kernel.sysctl.\"user.max_user_namespaces\"=\"28633\"",
	},
	{
		.id = "max-user-namespaces-one",
		.steps = CLONE,
		.codes = {ENOSPC},
		.test = limit_is_one,
		.arg = "user",
		.cause = "{path} is {value}: a launch makes two user namespaces, one inside the "
			 "other",
		.remedy = "echo user.max_user_namespaces=28633 | sudo tee "
			  "/etc/sysctl.d/60-fauxroot.conf && sudo sysctl --system",
	},
	{
		.id = "max-mnt-namespaces",
		.steps = CLONE,
		.codes = {ENOSPC},
		.test = limit_is_zero,
		.arg = "mnt",
		.cause = "{path} is {value}: no mount namespace can be made",
		.remedy = "echo user.max_mnt_namespaces=28633 | sudo tee "
			  "/etc/sysctl.d/60-fauxroot.conf && sudo sysctl --system",
	},
	{
		.id = "max-net-namespaces",
		.steps = CLONE,
		.codes = {ENOSPC},
		.test = limit_is_zero,
		.arg = "net",
		.cause = "{path} is {value}: no network namespace can be made",
		.remedy = "echo user.max_net_namespaces=28633 | sudo tee "
			  "/etc/sysctl.d/60-fauxroot.conf && sudo sysctl --system; or --net=host",
	},
	{
		.id = "max-further-namespaces",
		.steps = CLONE,
		.codes = {ENOSPC},
		.test = limit_is_zero,
		.arg = "pid cgroup uts ipc",
		.cause = "{path} is {value}: no such namespace can be made",
		.remedy = "echo user.max_{point}_namespaces=28633 | sudo tee "
			  "/etc/sysctl.d/60-fauxroot.conf && sudo sysctl --system; or without "
			  "--{point}ns",
	},
	{
		.id = "namespaces-used-up",
		.steps = CLONE,
		.codes = {ENOSPC},
		.test = limits_are_there,
		.cause =
			"of the limits in /proc/sys/user ({value}) one is used up by this user, "
			"or is lower in an outer user namespace; or user namespaces are nested too "
			"deep: 32 levels, of which each launch takes two",
		.remedy = "lsns shows who has them; sudo sysctl -w user.max_user_namespaces=N (and "
			  "the others) raises a limit; where they are nested, start it from fewer "
			  "levels in",
	},
	{
		.id = "nested-too-deep",
		.steps = CLONE,
		.codes = {EUSERS},
		.cause = "user namespaces are nested too deep: 32 levels (man 7 user_namespaces), "
			 "of which each launch takes two",
		.remedy = "start it from fewer levels in",
	},
	{
		.id = "no-user-namespaces",
		.steps = CLONE,
		.codes = {EINVAL},
		.test = is_missing,
		.arg = "/proc/self/ns/user",
		.cause = "this kernel has no user namespaces: there is no /proc/self/ns/user",
		.remedy = "a kernel with CONFIG_USER_NS=y; on RHEL and CentOS 7: sudo grubby "
			  "--update-kernel=ALL --args=user_namespace.enable=1, "
			  "user.max_user_namespaces=28633 in /etc/sysctl.d, and a reboot",
	},
	{.cause = NULL},
};

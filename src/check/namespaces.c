/* SPDX-License-Identifier: Apache-2.0 */
/* Tests for what keeps a process from making namespaces: limits, security modules, containers. */
#include "cause.h"

#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"

bool sysctl_is_there(struct facts *facts, const char *arg)
{
	return str_print(facts->path, sizeof(facts->path), "/proc/sys/%s", arg) == 0 &&
	       machine_word(facts->machine, facts->path, facts->value, sizeof(facts->value));
}

bool sysctl_is_zero(struct facts *facts, const char *arg)
{
	return sysctl_is_there(facts, arg) && streq(facts->value, "0");
}

/*
 * mountinfo shows the mounts below a process's root (man 5 proc): none of them is at "/" in a
 * chroot, unless the new root is a mount point itself, which cannot be told apart.
 */
bool is_chroot(struct facts *facts, const char *arg)
{
	(void)arg;
	if (!machine_exists(facts->machine, "/proc/self/mountinfo"))
		return false;
	(void)machine_mount_has(facts->machine, "/", "rw", facts->point, sizeof(facts->point));
	return *facts->point == '\0';
}

/* Whoever has no id in its own user namespace may not make another (man 2 clone, EPERM). */
bool is_unmapped(struct facts *facts, const char *arg)
{
	uint32_t uid = machine_id(facts->machine, "Uid"), gid = machine_id(facts->machine, "Gid");
	bool uid_missing = !machine_maps(facts->machine, "uid_map", uid, 1);

	(void)arg;
	if (!uid_missing && machine_maps(facts->machine, "gid_map", gid, 1))
		return false;
	(void)str_print(facts->path, sizeof(facts->path), "/proc/self/%s",
			uid_missing ? "uid_map" : "gid_map");
	return str_print(facts->value, sizeof(facts->value), "%s %u", uid_missing ? "uid" : "gid",
			 uid_missing ? uid : gid) == 0;
}

static bool has_filter(struct facts *facts)
{
	return machine_status(facts->machine, "Seccomp", facts->value, sizeof(facts->value)) &&
	       streq(facts->value, "2");
}

bool has_seccomp_filter(struct facts *facts, const char *arg)
{
	(void)arg;
	return !mapper_failed_to_write(facts->err) && has_filter(facts);
}

/* The words are those of errno in newuidmap, which inherits the filter. */
bool filter_refuses_mapper(struct facts *facts, const char *arg)
{
	(void)arg;
	return (strstr(facts->err->text, "_map failed: Operation not permitted") ||
		strstr(facts->err->text, "_map failed: Function not implemented")) &&
	       has_filter(facts);
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
bool apparmor_restricts(struct facts *facts, const char *arg)
{
	(void)arg;
	if (apparmor_label(facts) && !streq(facts->value, "unconfined"))
		return false;
	return sysctl_is_there(facts, "kernel/apparmor_restrict_unprivileged_userns") &&
	       streq(facts->value, "1");
}

bool is_apparmor_confined(struct facts *facts, const char *arg)
{
	(void)arg;
	return apparmor_label(facts) && strstr(facts->value, " (enforce)");
}

/*
 * mount_too_revealing() in fs/namespace.c: a mount on a directory that is always empty hides
 * nothing; below /proc that is binfmt_misc's.
 */
bool proc_is_masked(struct facts *facts, const char *arg)
{
	_cleanup_free_ char *text = machine_read(facts->machine, "/proc/self/mountinfo");
	struct cursor c = cursor_of(text ? text : ""), line;

	(void)arg;
	while (cursor_line(&c, &line)) {
		size_t used = strlen(facts->value), n;
		const char *point;

		/* "36 35 98:0 /root /point …" */
		for (int i = 0; i < 5; i++) {
			cursor_until(&line, " ", &point, &n);
			cursor_char(&line, ' ');
		}
		if (n > strlen("/proc/") && memcmp(point, "/proc/", strlen("/proc/")) == 0 &&
		    memmem(point, n, "binfmt_misc", strlen("binfmt_misc")) == NULL)
			(void)str_print(facts->value + used, sizeof(facts->value) - used, "%s%.*s",
					used > 0 ? " " : "", (int)n, point);
	}
	return *facts->value != '\0';
}

bool selinux_enforces(struct facts *facts, const char *arg)
{
	char enforces[8];

	(void)arg;
	(void)str_print(facts->path, sizeof(facts->path), "/sys/fs/selinux/enforce");
	return machine_word(facts->machine, facts->path, enforces, sizeof(enforces)) &&
	       streq(enforces, "1") &&
	       machine_word(facts->machine, "/proc/self/attr/current", facts->value,
			    sizeof(facts->value));
}

bool has_no_proc(struct facts *facts, const char *arg)
{
	(void)arg;
	return !machine_exists(facts->machine, "/proc/self");
}

bool is_there(struct facts *facts, const char *arg)
{
	return str_print(facts->path, sizeof(facts->path), "%s", arg) == 0 &&
	       machine_exists(facts->machine, arg);
}

bool is_missing(struct facts *facts, const char *arg)
{
	return machine_exists(facts->machine, "/proc/self/status") &&
	       !machine_exists(facts->machine, arg);
}

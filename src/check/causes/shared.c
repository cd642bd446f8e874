/* SPDX-License-Identifier: Apache-2.0 */
/* Tests that rows of several files use. */
#include "../cause.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "fauxroot/base/str.h"
#include "fauxroot/machine/mountinfo.h"

bool sysctl_is_there(struct facts *facts, const char *arg)
{
	return str_print(facts->path, sizeof(facts->path), "/proc/sys/%s", arg) == 0 &&
	       machine_word(facts->machine, facts->path, facts->value, sizeof(facts->value));
}

bool has_filter(struct facts *facts)
{
	return machine_status(facts->machine, "Seccomp", facts->value, sizeof(facts->value)) &&
	       streq(facts->value, "2");
}

bool is_in_container(struct facts *facts, const char *arg)
{
	(void)arg;
	return machine_in_container(facts->machine);
}

bool is_mounted_with(struct facts *facts, const char *path, const char *option)
{
	struct mount mount;

	return machine_mount(facts->machine, path, &mount) && mount_has(&mount, option) &&
	       str_print(facts->point, sizeof(facts->point), "%s", mount.point) == 0;
}

bool mapper_failed_to_write(const struct error *err)
{
	return err->reason == REASON_MAP_OPEN || err->reason == REASON_MAP_WRITE;
}

bool is_about_getsubids(const struct facts *facts)
{
	const char *named = getenv("GETSUBIDS");

	return streq(facts->err->about, named && *named ? named : "getsubids");
}

bool is_elsewhere(struct facts *facts, const char *name)
{
	return *name && !machine_find(facts->machine, name, facts->path, sizeof(facts->path)) &&
	       machine_find_elsewhere(facts->machine, name, 0111, facts->value,
				      sizeof(facts->value)) &&
	       str_print(facts->path, sizeof(facts->path), "%s/%s", facts->value, name) == 0;
}

/* access(2) would ask for us now; fake root's rights are those of our uid on others' files. */
bool is_closed_to_us(struct facts *facts, const struct stat *st, mode_t bits)
{
	uint32_t uid = machine_uid(facts->machine), gid = machine_gid(facts->machine);
	mode_t ours = st->st_uid == uid ? 0700 : st->st_gid == gid ? 0070 : 0007;

	if ((st->st_mode & ours & bits) == (bits & ours))
		return false;
	return str_print(facts->value, sizeof(facts->value), "uid %u and gid %u, mode %04o",
			 st->st_uid, st->st_gid, st->st_mode & 07777) == 0;
}

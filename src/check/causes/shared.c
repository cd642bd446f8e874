/* SPDX-License-Identifier: Apache-2.0 */
/* Tests that several files use. */
#include "../cause.h"

#include <stdlib.h>
#include <string.h>

#include "fauxroot/base/str.h"
#include "fauxroot/machine/mountinfo.h"

bool fact_file(struct facts *facts, const char *name, const char *path)
{
	char text[256];

	return machine_first_line(facts->machine, path, text, sizeof(text)) &&
	       fact(facts, name, "%s", text);
}

bool fact_status(struct facts *facts, const char *name, const char *field)
{
	char text[256];

	return machine_status(facts->machine, field, text, sizeof(text)) &&
	       fact(facts, name, "%s", text);
}

bool setting_is(struct facts *facts, const char *path, const char *value)
{
	return fact_file(facts, "setting", path) && streq(fact_text(facts, "setting"), value);
}

bool has_filter(struct facts *facts)
{
	return fact_status(facts, "seccomp", "Seccomp") && streq(fact_text(facts, "seccomp"), "2");
}

void own_ranges(const struct machine *machine, const char *path, struct subid_ranges *ret)
{
	_cleanup_free_ char *text = machine_read(machine, path);
	char user[256];
	bool named = machine_user(machine, user, sizeof(user));

	*ret = (struct subid_ranges){0};
	if (text)
		(void)subid_parse_file(text, strlen(text), path, named ? user : NULL,
				       machine_uid(machine), ret, NULL);
}

bool has_account(struct facts *facts)
{
	uint32_t gid;

	return machine_account(facts->machine, &gid);
}

bool is_mounted_with(struct facts *facts, const char *path, const char *option)
{
	struct mount mount;

	return machine_mount(facts->machine, path, &mount) && mount_has(&mount, option) &&
	       fact(facts, "mount", "%s", mount.point);
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

/* Not access(2), which checks our current rights: fake root has the rights of our uid. */
bool is_closed_to_us(struct facts *facts, const struct stat *st, mode_t bits)
{
	uint32_t uid = machine_uid(facts->machine), gid = machine_gid(facts->machine);
	mode_t ours = st->st_uid == uid ? 0700 : st->st_gid == gid ? 0070 : 0007;

	return (st->st_mode & ours & bits) != (bits & ours) &&
	       fact(facts, "rights", "uid %u and gid %u, mode %04o", st->st_uid, st->st_gid,
		    st->st_mode & 07777);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/machine/accounts.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>

#include "fauxroot/base/str.h"
#include "fauxroot/machine/machine.h"
#include "fauxroot/machine/process.h"

static bool take_account(struct cursor line, struct account *ret)
{
	const char *name, *password;
	size_t n, m;

	cursor_until(&line, ":", &name, &n);
	if (n == 0 || strchr("+-#", *name) || !cursor_char(&line, ':'))
		return false;
	cursor_until(&line, ":", &password, &m);
	if (!cursor_char(&line, ':') || cursor_u32(&line, UINT32_MAX, &ret->id) < 0 ||
	    !cursor_char(&line, ':'))
		return false;
	ret->name = cursor_of_n(name, n);
	if (cursor_u32(&line, UINT32_MAX, &ret->gid) < 0)
		ret->gid = UINT32_MAX;
	return true;
}

bool account_next(struct cursor *text, struct account *ret)
{
	struct cursor line;

	while (cursor_line(text, &line))
		if (take_account(line, ret))
			return true;
	return false;
}

static bool find_account(const char *text, uint32_t id, struct account *ret)
{
	struct cursor c = cursor_of(text ? text : "");

	while (account_next(&c, ret))
		if (ret->id == id)
			return true;
	return false;
}

static char *name_in_service(uint32_t uid)
{
	struct passwd entry, *found = NULL;
	size_t size = 4096;

	for (; size <= 1U << 20; size *= 4) {
		_cleanup_free_ char *buf = malloc(size);
		int rc;

		if (!buf)
			return NULL;
		rc = getpwuid_r(uid, &entry, buf, size, &found);
		if (rc == ERANGE)
			continue;
		return rc == 0 && found ? strdup(found->pw_name) : NULL;
	}
	return NULL;
}

char *machine_name(const struct machine *machine, uint32_t uid)
{
	_cleanup_free_ char *text = machine_read(machine, "/etc/passwd");
	struct account account;

	if (find_account(text, uid, &account))
		return strndup(account.name.at, cursor_left(&account.name));
	return machine->services ? name_in_service(uid) : NULL;
}

bool machine_user(const struct machine *machine, char *buf, size_t size)
{
	uint32_t uid = machine_uid(machine);
	_cleanup_free_ char *name = machine_name(machine, uid);

	if (name && str_print(buf, size, "%s", name) == 0)
		return true;
	(void)str_print(buf, size, "%u", uid);
	return false;
}

bool machine_account(const struct machine *machine, uint32_t *ret_gid)
{
	_cleanup_free_ char *text = machine_read(machine, "/etc/passwd");
	struct account account;

	if (!find_account(text, machine_uid(machine), &account))
		return false;
	*ret_gid = account.gid;
	return true;
}

void machine_group(const struct machine *machine, uint32_t gid, char *buf, size_t size)
{
	_cleanup_free_ char *text = machine_read(machine, "/etc/group");
	struct account group;

	if (find_account(text, gid, &group))
		(void)str_print(buf, size, "%.*s", (int)cursor_left(&group.name), group.name.at);
	else
		(void)str_print(buf, size, "%u", gid);
}

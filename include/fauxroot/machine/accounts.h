/* SPDX-License-Identifier: Apache-2.0 */
/* Users and groups from passwd(5), group(5) and the name service. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fauxroot/base/parse.h"

struct machine;

/* A line of passwd(5) or group(5). Both have the id in the third field. */
struct account {
	struct cursor name;
	uint32_t id;
	uint32_t gid;	    /* only in passwd(5), else UINT32_MAX */
	struct cursor home; /* only in passwd(5), else empty */
};

/*
 * account_next() - read the next line "NAME:PASSWORD:ID:…" of @text
 *
 * Other lines are skipped, for example lines for NIS ("+name"). Returns false at the end.
 */
bool account_next(struct cursor *text, struct account *ret);

/*
 * machine_name() - look up the login name of @uid in /etc/passwd, then in the name service
 *
 * Returns a string that the caller frees, or NULL: no name, or out of memory.
 */
char *machine_name(const struct machine *machine, uint32_t uid);

/* machine_home() - look up the home directory of @uid in the same way; returns as machine_name() */
char *machine_home(const struct machine *machine, uint32_t uid);

enum account_field { ACCOUNT_NAME, ACCOUNT_HOME };

/*
 * account_by_getent() - look up @uid by getent(1)
 *
 * For a C library that cannot load the plugins of nsswitch.conf: the machine's own getent can.
 * Returns the login name or the home directory as a string that the caller frees; NULL: no account,
 * no getent, no memory, or no answer in ten seconds.
 */
char *account_by_getent(uint32_t uid, enum account_field field);

/*
 * machine_list_accounts() - list the accounts that the name service knows
 * @database: "passwd" or "group"
 *
 * Runs getent(1) for @ms milliseconds at most, and reads at most 1 MiB. So the list may be
 * incomplete: some directory services have more accounts, and some answer only queries for a single
 * account. Returns the lines in the format of passwd(5) or group(5), as a string that the caller
 * frees; NULL: no getent, no memory, or @machine does not query the name service.
 */
char *machine_list_accounts(const struct machine *machine, const char *database, unsigned ms);

/* machine_user() - print our login name into @buf, and return true; or print our uid, and return
 * false */
bool machine_user(const struct machine *machine, char *buf, size_t size);

/*
 * machine_account() - is our uid in /etc/passwd?
 * @ret_gid: the primary group's id; UINT32_MAX if the line has none
 */
bool machine_account(const struct machine *machine, uint32_t *ret_gid);

/* machine_group() - print the name of the group @gid from /etc/group into @buf, or else its number
 */
void machine_group(const struct machine *machine, uint32_t gid, char *buf, size_t size);

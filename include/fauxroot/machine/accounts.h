/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts and groups: passwd(5), group(5), the name service. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fauxroot/base/parse.h"

struct machine;

/* A line of passwd(5), or of group(5), which has its id in the same place. */
struct account {
	struct cursor name;
	uint32_t id;
	uint32_t gid; /* of passwd(5) alone; UINT32_MAX where there is none */
};

/*
 * account_next() - take the next line "NAME:PASSWORD:ID:…" of @text
 *
 * Other lines, those for NIS among them ("+name"), are passed over. Returns false at the end.
 */
bool account_next(struct cursor *text, struct account *ret);

/* machine_name() - the login name of @uid as a fresh string, by /etc/passwd, else by the name
 * service; NULL where it has none, or when out of memory */
char *machine_name(const struct machine *machine, uint32_t uid);

/* machine_user() - our own login name, else our uid in digits; true for a name */
bool machine_user(const struct machine *machine, char *buf, size_t size);

/* machine_account() - is our uid in /etc/passwd? @ret_gid: the primary group's id, UINT32_MAX where
 * the line has none */
bool machine_account(const struct machine *machine, uint32_t *ret_gid);

/* machine_group() - the name of the group @gid by /etc/group, else its digits */
void machine_group(const struct machine *machine, uint32_t gid, char *buf, size_t size);

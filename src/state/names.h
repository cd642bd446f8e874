/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to state/: the names of instances (--name), links beside those of instances.h. Their text
 * is the PID of the launcher, so that they lead to its link, and further to its state directory.
 */
#pragma once

#include <sys/types.h>

struct error;
struct instances;

/*
 * names_claim() - clear away the names of launchers that are dead, and take a name
 * @dir: of the links, with the caller's own link in it
 * @pid: the caller's PID, as text; names that lead there are left over from an earlier process
 * @name: NULL: only clear away
 *
 * Returns 0; -EEXIST where a running instance has the name; -EBUSY where another process holds the
 * lock of the directory for a second; -errno.
 */
int names_claim(int dir, const char *pid, const char *name, struct error *err);

/* names_check() - has no running instance the name? 0, or -EEXIST with a sentence */
int names_check(int dir, const char *name, struct error *err);

/* names_attach() - fill in the names of @instances, and clear away those of others. Returns 0 or
 * -ENOMEM. */
int names_attach(int dir, struct instances *instances);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to state/: the names of instances (--name). A name is a link beside the links of
 * instances.h. Its target is the PID of the launcher, so it leads to the launcher's link, and from
 * there to the state directory.
 */
#pragma once

#include <sys/types.h>

struct error;
struct instances;

/*
 * names_claim() - remove the names of dead launchers, and take a name
 * @dir: directory of the links, with the caller's own link in it
 * @pid: the caller's PID, as text; existing names that lead to it belong to an earlier process with
 * this PID, and are removed
 * @name: NULL: only remove names
 * @cancel_fd: as fd_wait()
 *
 * Returns 0; -EEXIST if a running instance has the name; -EBUSY if another process holds the lock
 * of the directory for ten seconds; -ECANCELED; or -errno.
 */
int names_claim(int dir, const char *pid, const char *name, int cancel_fd, struct error *err);

/* names_check() - is the name free? 0, or -EEXIST with a message if a running instance has it */
int names_check(int dir, const char *name, struct error *err);

/* names_attach() - set the names of @instances, and remove the names of dead launchers. Returns 0
 * or -ENOMEM. */
int names_attach(int dir, struct instances *instances);

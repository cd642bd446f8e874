/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The running instances of a user. Each launcher keeps a symbolic link
 * $XDG_RUNTIME_DIR/fauxroot/PID to its state directory while it runs. If it has a name (--name), it
 * also keeps a link $XDG_RUNTIME_DIR/fauxroot/NAME to the first link.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "fauxroot/base/macro.h"
#include "fauxroot/config/config.h"
#include "fauxroot/state/instance.h"

struct error;
struct statedir;

/* A launcher's own links; none if dir is -1. */
struct instance_link {
	int dir;			/* $XDG_RUNTIME_DIR/fauxroot */
	char pid[16];			/* the name of the first link */
	char name[CONFIG_NAME_MAX + 1]; /* the name of the second; "": there is none */
};

#define INSTANCE_LINK_NONE ((struct instance_link){.dir = -1})

/*
 * instance_announce() - make the links of this process to @state
 * @name: valid for --name; NULL: none
 * @cancel_fd: as fd_wait(). With a name, the call may wait ten seconds for the lock of the links
 *
 * Also removes the links of dead launchers, and their state directories (statedir_sweep()). Other
 * links to @state are dead, because this process holds its lock. Returns 0, or -errno without a
 * link. -ENOENT: XDG_RUNTIME_DIR is not set. -EEXIST: a running instance has the name.
 * -ECANCELED: @cancel_fd is readable. An instance without a name can ignore a failure: only its
 * line in `fauxrootctl ps` is missing.
 */
int instance_announce(const struct statedir *state, const char *name, int cancel_fd,
		      struct instance_link *ret, struct error *err);

/*
 * instance_name_check() - could instance_announce() take @name now?
 *
 * Changes nothing. Returns 0; -EEXIST; -ENOENT if XDG_RUNTIME_DIR is not set or does not exist; or
 * -errno.
 */
int instance_name_check(const char *name, struct error *err);

/* instance_withdraw() - remove the links, and the directory if it is then empty; accepts
 * INSTANCE_LINK_NONE */
void instance_withdraw(struct instance_link *link);

/* instances_clear() - free the items; @instances is empty afterwards */
void instances_clear(struct instances *instances);

#define _cleanup_instances_ _cleanup_(instances_clear)

/*
 * instances_list() - list the running instances, in the order of PIDs
 *
 * Leaves out dead instances and removes their links. Returns 0, with an empty list if the directory
 * of the links does not exist; or -errno.
 */
int instances_list(struct instances *ret, struct error *err);

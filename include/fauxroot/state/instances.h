/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The running instances of a user: each launcher keeps a symbolic link
 * $XDG_RUNTIME_DIR/fauxroot/PID to its state directory while it lives, and where it has a name
 * (--name) a link $XDG_RUNTIME_DIR/fauxroot/NAME to that link.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "fauxroot/base/macro.h"
#include "fauxroot/config/config.h"
#include "fauxroot/state/instance.h"

struct error;
struct statedir;

/* A launcher's own links: none where dir is -1. */
struct instance_link {
	int dir; /* $XDG_RUNTIME_DIR/fauxroot */
	char pid[16];
	char name[CONFIG_NAME_MAX + 1]; /* "": it has no name */
};

#define INSTANCE_LINK_NONE ((struct instance_link){.dir = -1})

/*
 * instance_announce() - make the links of this process to @state
 * @name: valid for --name; NULL: none
 *
 * Also clears away the links of launchers that are dead, and what statedir_sweep() takes; those to
 * @state are dead, because its lock is ours. Returns 0 or -errno with no link made. -ENOENT:
 * XDG_RUNTIME_DIR is not set. -EEXIST: a running instance has the name. Without a name, nothing but
 * a line in `fauxrootctl ps` depends on it.
 */
int instance_announce(const struct statedir *state, const char *name, struct instance_link *ret,
		      struct error *err);

/*
 * instance_name_check() - could instance_announce() take @name now?
 *
 * Changes nothing. Returns 0; -EEXIST; -ENOENT where XDG_RUNTIME_DIR is not set or does not exist;
 * -errno.
 */
int instance_name_check(const char *name, struct error *err);

/* instance_withdraw() - remove them, and the directory where it was the last; accepts
 * INSTANCE_LINK_NONE */
void instance_withdraw(struct instance_link *link);

void instances_clear(struct instances *instances);

#define _cleanup_instances_ _cleanup_(instances_clear)

/*
 * instances_list() - who runs, in the order of PIDs
 *
 * Dead ones are left out and their links cleared away. Returns 0 or -errno; an absent directory is
 * an empty list.
 */
int instances_list(struct instances *ret, struct error *err);

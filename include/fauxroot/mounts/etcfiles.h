/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolv.conf and hosts of a child with a network of its own: composed by the launcher from the
 * host's, kept in the state directory, bound on those of /etc in the child, and bound again when
 * the host's replacing of a file has undone that.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/str.h"

struct error;

enum etcfile { ETCFILE_RESOLV_CONF, ETCFILE_HOSTS, ETCFILE_COUNT_ };

/*
 * etcfiles_write_parent() - compose resolv.conf and hosts and have them written
 * @write: makes one file whole; it must become readable for every id of the child (0644)
 * @write_arg: its first argument
 * @dns: addresses of name servers, in order
 *
 * The host's search (or domain) and options lines are kept, from the file that its /etc/resolv.conf
 * leads to. In hosts the host's own lines stand, and its name is on 127.0.0.1 and ::1. A host's
 * file that is missing counts as empty; one that cannot be read does so with a warning, and so does
 * what of one is beyond 16 MiB. Returns 0
 * or -errno at step STEP_MOUNT.
 */
int etcfiles_write_parent(int (*write)(const void *arg, const char *name, const char *text,
				       size_t size, struct error *err),
			  const void *write_arg, const struct strv *dns, struct error *err);

/* The state directory's files and /etc, held by O_PATH descriptors of the child's mount namespace.
 */
struct etcfiles {
	int fd[ETCFILE_COUNT_];
	int etc; /* where they are mounted; -1 before that, and where that is a copy of ours */
};

#define ETCFILES_NONE ((struct etcfiles){{-1, -1}, -1})

/*
 * etcfiles_open_child() - hold the files of @state_dir, before copy-up covers what leads there
 *
 * Returns 0 or -errno at step STEP_MOUNT.
 */
int etcfiles_open_child(const char *state_dir, struct etcfiles *ret, struct error *err);

/*
 * etcfiles_bind_child() - bind them on those of /etc
 * @etc_copied: /etc is a tmpfs of our own: an entry that is a link or missing is made a file first
 *
 * Without copy-up the mount goes on the entry of /etc itself, even where that is a (dangling)
 * symbolic link, so it stays when systemd-resolved renames over the link's target; an entry that
 * does not exist can't be mounted upon, which is a warning. Returns 0 or -errno at step STEP_MOUNT.
 */
int etcfiles_bind_child(struct etcfiles *files, bool etc_copied, struct error *err);

/* etcfiles_close() - let go; @files is ETCFILES_NONE afterwards */
void etcfiles_close(struct etcfiles *files);

#define _cleanup_etcfiles_ _cleanup_(etcfiles_close)

/*
 * etcfiles_watch_open() - an inotify descriptor that becomes readable when somebody replaces
 * /etc/resolv.conf or /etc/hosts itself, which undoes a mount on them in every namespace
 *
 * Only needed where /etc is not copied up: a host does not undo a mount in a copy. What was
 * replaced before it was opened is not told: call etcfiles_repair() once after that. Returns the
 * descriptor, close-on-exec and non-blocking, or -errno.
 */
int etcfiles_watch_open(void);

/*
 * etcfiles_watch_read() - take what the watch has seen
 *
 * Returns 1 where one of the files was replaced, so that etcfiles_repair() is due, 0 where none
 * was, -errno where the watch has failed and should be closed. Never blocks.
 */
int etcfiles_watch_read(int watch);

/*
 * etcfiles_repair() - in a runner that has joined the child's user and mount namespaces: bind again
 * what is not bound any more
 * @files: as etcfiles_bind_child() has left them, without copy-up
 *
 * An entry of /etc that still is a mount, ours or the target's, is left alone; so is one that is
 * missing: the watch will tell when it appears. No path but the entry's name is walked: what the
 * target has mounted over /etc or over the way to our files makes no difference. Returns 0 or
 * -errno.
 */
int etcfiles_repair(const struct etcfiles *files, struct error *err);

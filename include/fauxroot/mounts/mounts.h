/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the child mounts before it becomes the target, in the order in which launch/child.c calls it:
 * propagation first, so that nothing leaks to the host, then /sys, the copied-up directories, and
 * the files of the network. All functions ending in _child run in the child, as root of its user
 * namespace.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "fauxroot/base/str.h"
#include "fauxroot/config/config.h"

struct error;
struct statedir;

/* propagation_apply_child() - MODE on "/" (man 7 mount_namespaces, "Shared subtrees") */
int propagation_apply_child(enum propagation mode, struct error *err);

/*
 * sysfs_mount_child() - a /sys that shows the child's own network namespace
 *
 * A new sysfs goes over /sys and the host's cgroup tree is moved on top of it. Read-only where a
 * container masks /sys; where even that is refused /sys stays the host's, with a warning: that is no
 * reason to fail. Returns 0, or -errno where /sys is left half-made.
 */
int sysfs_mount_child(struct error *err);

/*
 * copyup_apply_child() - a private writable copy of each directory in @dirs: tmpfs+symlink
 * @ret_etc: does one of them make /etc itself private?
 *
 * Each directory becomes a tmpfs of the original's mode (and owner, where that is mapped) whose
 * entries are symbolic links into .roXXXXXX, a recursive bind of the original with its own mount
 * flags; an entry that is itself a link is made again word for word. Paths are resolved first and
 * doubles dropped, so /var/run beside /run is done once. Returns 0 or -errno at step STEP_MOUNT.
 */
int copyup_apply_child(const struct strv *dirs, bool *ret_etc, struct error *err);

/*
 * etcfiles_bind_child() - bind the state directory's resolv.conf and hosts on those of /etc
 * @state_dir: its path, opened by descriptor before copy-up: see etcfiles_open_child()
 * @etc_copied: /etc is a tmpfs of our own: an entry that is a link or missing is made a file first
 *
 * Without copy-up the mount goes on the entry of /etc itself, even where that is a (dangling)
 * symbolic link, so it stays when systemd-resolved renames over the link's target.
 */
int etcfiles_bind_child(const char *state_dir, bool etc_copied, struct error *err);

/*
 * etcfiles_write_parent() - write resolv.conf and hosts into the state directory
 * @write: makes one file (launch/ passes statedir_write), @write_arg its first argument
 * @dns: addresses of name servers, in order
 *
 * The host's "search" and "options" are kept, from the file that the host's /etc/resolv.conf leads
 * to, read once. In hosts the host's name is on loopback, once.
 */
int etcfiles_write_parent(int (*write)(const void *arg, const char *name, const char *text,
				       size_t size, struct error *err),
			  const void *write_arg, const struct strv *dns, struct error *err);

/*
 * resolvconf_compose() - the text of the child's resolv.conf
 * @host: text of the host's, @size bytes
 *
 * Returns a fresh string: the nameserver lines of @dns, then the host's search (or domain) and
 * options lines; NULL when out of memory.
 */
char *resolvconf_compose(const char *host, size_t size, const struct strv *dns);

/*
 * hosts_compose() - the text of the child's hosts: the host's own lines, and @hostname on 127.0.0.1
 * and ::1 unless a line has it on loopback already; NULL when out of memory
 */
char *hosts_compose(const char *host, size_t size, const char *hostname);

/*
 * etcfiles_watch_open() - an inotify descriptor that becomes readable when the host replaces
 * /etc/resolv.conf or /etc/hosts itself, which undoes a mount on them in every namespace
 *
 * Only needed where /etc is not copied up. Returns the descriptor or -errno.
 */
int etcfiles_watch_open(void);

/*
 * etcfiles_watch_read() - take what the watch has seen
 *
 * Returns 1 where one of the files was replaced (so etcfiles_repair() is due), else 0. Never blocks.
 */
int etcfiles_watch_read(int watch);

/*
 * etcfiles_repair() - in a runner that has joined the child's user and mount namespace: bind again
 * what is not bound any more
 *
 * Returns 0 or -errno. Nothing is done for a file whose mount still stands.
 */
int etcfiles_repair(const char *state_dir, struct error *err);

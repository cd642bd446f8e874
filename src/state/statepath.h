/* SPDX-License-Identifier: Apache-2.0 */
/* Private to state/: the path of a state directory, resolved once and walked by descriptor. */
#pragma once

#include <stdbool.h>

struct error;
struct stat;

/* The directory of the running instances' links (instances.h), in $XDG_RUNTIME_DIR. */
#define INSTANCES_DIR "fauxroot"

/* A directory of our own choice is called this and six characters of mkdtemp(3). */
#define OWN_PREFIX  "fauxroot."
#define OWN_PATTERN OWN_PREFIX "??????"

/*
 * statepath_resolve() - @wanted as an absolute path without links, but for its last component
 *
 * What does not exist yet is resolved by its letters. Touches nothing. Returns 0 and a fresh
 * string, -EINVAL (the root directory, or one that is or holds the home, runtime or working
 * directory: it would be emptied; or that of the instances' links), -ENAMETOOLONG (a socket below
 * it would exceed 107 bytes), or -errno.
 */
int statepath_resolve(const char *wanted, char **ret, struct error *err);

/* statepath_fits() - 0, or -ENAMETOOLONG: a socket below @path would exceed 107 bytes */
int statepath_fits(const char *path, struct error *err);

/*
 * statepath_trust() - is every directory above the state directory @path, as far as they are there,
 * ours or root's?
 * @path: from statepath_resolve()
 *
 * With the sticky bit it may be writable for all, as /tmp is; without it that is a warning: volumes
 * of containers are made so. Returns 0, or -EPERM with the directory of another user.
 */
int statepath_trust(const char *path, struct error *err);

/*
 * statepath_parent() - open the directory that @path's last component stands in
 * @path: from statepath_resolve()
 * @make: make what is missing, 0700
 * @ret_name: the last component, inside @path
 *
 * Follows no symbolic link: one that has appeared since is -ELOOP or -ENOTDIR. Returns an O_PATH
 * descriptor or -errno.
 */
int statepath_parent(const char *path, bool make, const char **ret_name, struct error *err);

/*
 * statepath_first_base() - where a state directory goes that nobody has named: the first of
 * $XDG_RUNTIME_DIR, $TMPDIR and /tmp that serves
 * @attempt: called with @arg and the path of each in turn, until it returns 0
 *
 * Returns 0; or -errno of the last one, with the reasons of all.
 */
int statepath_first_base(int (*attempt)(void *arg, const char *base, struct error *err), void *arg,
			 struct error *err);

/* mkdir_private() - mkdirat(2) with mode 0700 whatever the umask; 0 or -errno */
int mkdir_private(int parent, const char *name);

/*
 * statepath_refuse() - is what stands at @path, by its own descriptor's fstat(2), no directory of
 * ours?
 *
 * Returns 0 where it is one; -ELOOP, -ENOTDIR, -EPERM.
 */
int statepath_refuse(const struct stat *st, const char *path, struct error *err);

/* SPDX-License-Identifier: Apache-2.0 */
/* Private to state/: the path of a state directory, resolved once, then walked by descriptor. */
#pragma once

#include <stdbool.h>

struct error;
struct stat;

/* The directory of the running instances' links (instances.h), in $XDG_RUNTIME_DIR. */
#define INSTANCES_DIR "fauxroot"

/* A directory whose name we choose: this prefix and six characters of mkdtemp(3). */
#define OWN_PREFIX  "fauxroot."
#define OWN_PATTERN OWN_PREFIX "??????"

/*
 * statepath_resolve() - make @wanted an absolute path without links, except for its last component
 *
 * Components that do not exist yet are resolved lexically. Changes nothing. Returns 0 and a new
 * string; -EINVAL (the root directory, a directory that is or contains the home, runtime or working
 * directory, because it would be emptied, or the directory of the instances' links); -ENAMETOOLONG
 * (the path of a socket in it would exceed 107 bytes); or -errno.
 */
int statepath_resolve(const char *wanted, char **ret, struct error *err);

/* statepath_fits() - 0, or -ENAMETOOLONG if the path of a socket in @path exceeds 107 bytes */
int statepath_fits(const char *path, struct error *err);

/*
 * statepath_trust() - does every existing directory above the state directory @path belong to the
 * caller's user or to root?
 * @path: from statepath_resolve()
 *
 * A directory with the sticky bit may be writable for all, as /tmp is. Without that bit the
 * function logs a warning only, because volumes of containers are often like this. Returns 0, or
 * -EPERM with the directory of another user.
 */
int statepath_trust(const char *path, struct error *err);

/*
 * statepath_parent() - open the directory that contains @path's last component
 * @path: from statepath_resolve()
 * @make: make missing directories with mode 0700
 * @ret_name: the last component, inside @path
 *
 * Follows no symbolic link: a link that has appeared since then is -ELOOP or -ENOTDIR. Returns an
 * O_PATH descriptor or -errno.
 */
int statepath_parent(const char *path, bool make, const char **ret_name, struct error *err);

/*
 * statepath_first_base() - find the place for a state directory without --state-dir: the first
 * usable one of $XDG_RUNTIME_DIR, $TMPDIR and /tmp
 * @attempt: called with @arg and each path in turn, until it returns 0
 *
 * Returns 0; or -errno of the last attempt, with the messages of all.
 */
int statepath_first_base(int (*attempt)(void *arg, const char *base, struct error *err), void *arg,
			 struct error *err);

/* mkdir_private() - mkdirat(2) with mode 0700, independent of the umask; 0 or -errno */
int mkdir_private(int parent, const char *name);

/*
 * statepath_refuse() - refuse a file at @path that is not a directory of the caller's user
 * @st: fstat(2) of its descriptor
 *
 * Returns 0 if it is such a directory; -ELOOP, -ENOTDIR or -EPERM otherwise.
 */
int statepath_refuse(const struct stat *st, const char *path, struct error *err);

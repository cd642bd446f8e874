/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A state directory is made, emptied and removed. So its path is resolved once, at the start. After
 * that it is walked by descriptor, and links are not followed: a component that is replaced by a
 * link later causes an error. A link among the parents at the start is resolved. The last component
 * must not be a link; open_checked() in statedir.c refuses it.
 *
 * All checks that need only the path come before anything is made. A user who can write to a
 * directory on the path could replace our directory, and with it the files and sockets that clients
 * use. So all directories on the path must belong to our user or to root.
 */
#include "statepath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"
#include "fauxroot/machine/accounts.h"
#include "fauxroot/machine/machine.h"
#include "fauxroot/machine/process.h"

/* sun_path holds 108 bytes, of which the NUL is one (man 7 unix). */
#define SOCKET_PATH_MAX (sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1)

int mkdir_private(int parent, const char *name)
{
	/* The launcher has one thread, so no other code makes a file in between. */
	mode_t caller = umask(0);
	int rc = mkdirat(parent, name, 0700) < 0 ? -errno : 0;

	umask(caller);
	return rc;
}

/* Make @wanted absolute, and remove trailing slashes and dots; "" for the root. NULL: see errno */
static char *make_absolute(const char *wanted)
{
	_cleanup_free_ char *cwd = NULL;
	char *path;
	size_t n;

	if (wanted[0] != '/') {
		cwd = getcwd(NULL, 0);
		if (!cwd)
			return NULL;
	}
	path = cwd ? str_format("%s/%s", cwd, wanted) : strdup(wanted);
	if (!path) {
		errno = ENOMEM;
		return NULL;
	}
	for (n = strlen(path); n > 0; n--) {
		bool slash = path[n - 1] == '/';
		bool dot = path[n - 1] == '.' && n > 1 && path[n - 2] == '/';

		if (!slash && !dot)
			break;
	}
	path[n] = '\0';
	return path;
}

/* Append the components of @rest to the canonical @real, lexically. */
static char *append_lexically(char *real, const char *rest)
{
	_cleanup_free_ char *path = real;

	if (streq(path, "/"))
		path[0] = '\0';
	while (*rest) {
		size_t n = strcspn(rest, "/");

		if (n == 2 && strncmp(rest, "..", 2) == 0) {
			char *slash = strrchr(path, '/');

			if (slash)
				*slash = '\0';
		} else if (n > 0 && !(n == 1 && rest[0] == '.')) {
			char *longer = str_format("%s/%.*s", path, (int)n, rest);

			if (!longer)
				return NULL;
			free(path);
			path = longer;
		}
		rest += n + (rest[n] == '/');
	}
	return TAKE_PTR(path);
}

/* Resolve the existing part of @path by realpath(3), and the rest lexically. NULL: see errno */
static char *resolve_existing(const char *path)
{
	size_t n = strlen(path);

	for (;;) {
		_cleanup_free_ char *head = n > 0 ? strndup(path, n) : strdup("/");
		char *real = head ? realpath(head, NULL) : NULL;

		if (real)
			return append_lexically(real, path + n);
		if (errno != ENOENT || n == 0)
			return NULL;
		while (n > 0 && path[n - 1] != '/')
			n--;
		while (n > 0 && path[n - 1] == '/')
			n--;
	}
}

/* Would emptying @path also remove the directory @precious? */
static bool contains(const char *path, const char *precious)
{
	_cleanup_free_ char *real = precious && *precious ? realpath(precious, NULL) : NULL;
	const char *rest = real ? str_after(real, path) : NULL;

	return rest && (*rest == '\0' || *rest == '/');
}

/* Is @path the directory of the instances' links? It need not exist yet. */
static bool is_instances_dir(const char *path)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	_cleanup_free_ char *real = runtime && *runtime ? realpath(runtime, NULL) : NULL;
	const char *rest = real ? str_after(path, real) : NULL;

	return rest && streq(rest, "/" INSTANCES_DIR);
}

int statepath_fits(const char *path, struct error *err)
{
	size_t n = strlen(path) + strlen("/api.sock");

	if (n <= SOCKET_PATH_MAX)
		return 0;
	return err_say(
		err, ENAMETOOLONG,
		"state directory \"%s\": the path of api.sock in it would be %zu bytes long, "
		"the path of a socket has at most %zu",
		path, n, SOCKET_PATH_MAX);
}

/* A mistake such as --state-dir=. or --state-dir=$HOME must not delete the user's files. */
static int check_path(const char *path, struct error *err)
{
	/* HOME can be unset or another user's, for example under sudo(8) or in a unit. */
	_cleanup_free_ char *home = machine_home(&this_machine, geteuid());
	const struct {
		const char *path, *words;
	} precious[] = {
		{getenv("HOME"), "the home directory"},
		{home, "the home directory"},
		{getenv("XDG_RUNTIME_DIR"), "$XDG_RUNTIME_DIR"},
		{".", "the working directory"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(precious); i++)
		if (contains(path, precious[i].path))
			return err_about(
				err,
				err_say(err, EINVAL,
					"state directory \"%s\": would be emptied, but is or "
					"contains %s",
					path, precious[i].words),
				REASON_PRECIOUS, "%s", path);
	if (is_instances_dir(path))
		return err_say(err, EINVAL,
			       "state directory \"%s\": holds the links of running instances; "
			       "use a directory in it",
			       path);
	return 0;
}

int statepath_resolve(const char *wanted, char **ret, struct error *err)
{
	_cleanup_free_ char *absolute = make_absolute(wanted), *parent = NULL, *path = NULL;
	char *last;
	int rc;

	if (!absolute)
		return err_file(err, errno, wanted, "state directory \"%s\"", wanted);
	last = strrchr(absolute, '/');
	if (last && streq(last, "/..")) {
		path = realpath(absolute, NULL);
		if (!path)
			return err_file(err, errno, wanted, "state directory \"%s\"", wanted);
	} else if (last) {
		*last++ = '\0';
		parent = resolve_existing(absolute);
		if (!parent)
			return err_file(err, errno, wanted, "state directory \"%s\"", wanted);
		path = str_format("%s/%s", parent, last);
		if (!path)
			return err_file(err, ENOMEM, wanted, "state directory \"%s\"", wanted);
	}
	if (!path || streq(path, "/")) {
		rc = err_say(err, EINVAL, "state directory \"%s\": is the root directory", wanted);
		return err_about(err, rc, REASON_PRECIOUS, "/");
	}
	rc = statepath_fits(path, err);
	if (rc == 0)
		rc = check_path(path, err);
	if (rc < 0)
		return rc;
	*ret = TAKE_PTR(path);
	return 0;
}

/*
 * stat(2) shows this uid for an owner that has no id in our user namespace. That is a user outside
 * of it, for example root as the owner of / and /tmp. In the initial user namespace it is an
 * ordinary account, nobody.
 */
static bool is_unmapped(uid_t uid)
{
	_cleanup_free_ char *overflow = NULL, *map = NULL;
	struct id_extent first;
	struct cursor c;
	uint32_t usual = 65534;

	/* A container may have no /proc/sys. */
	overflow = machine_read(&this_machine, "/proc/sys/kernel/overflowuid");
	if (overflow) {
		c = cursor_of(overflow);
		(void)cursor_u32(&c, UINT32_MAX, &usual);
	}
	if (uid == usual)
		map = machine_read(&this_machine, "/proc/self/uid_map");
	if (!map)
		return false;
	/* Every id is mapped to itself: this is the initial namespace. */
	c = cursor_of(map);
	return !(idmap_next(&c, &first) && first.inside == 0 && first.outside == 0 &&
		 first.count == UINT32_MAX);
}

/* Can the owner of @st, or any user, replace our files in that directory? */
static int trust_dir(const struct stat *st, const char *dir, const char *path, struct error *err)
{
	if (st->st_uid != 0 && st->st_uid != geteuid() && !is_unmapped(st->st_uid))
		return err_about(err,
				 err_say(err, EPERM,
					 "\"%s\": belongs to uid %u, who could replace the state "
					 "directory \"%s\"",
					 dir, (unsigned)st->st_uid, path),
				 REASON_FOREIGN_PARENT, "%s", dir);
	if ((st->st_mode & (S_IWOTH | S_ISVTX)) == S_IWOTH)
		log_warning("every user may write to %s, which has no sticky bit, and replace the "
			    "state directory %s",
			    dir, path);
	return 0;
}

int statepath_trust(const char *path, struct error *err)
{
	for (const char *at = path; (at = strchr(at, '/')); at++) {
		_cleanup_free_ char *dir =
			at == path ? strdup("/") : strndup(path, (size_t)(at - path));
		struct stat st;
		int rc;

		if (!dir)
			return err_file(err, ENOMEM, path, "state directory \"%s\"", path);
		/* We will make a missing directory ourselves; any other error is reported later. */
		if (stat(dir, &st) < 0)
			return 0;
		rc = trust_dir(&st, dir, path, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int open_place(int dir, const char *name)
{
	int fd = openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int statepath_parent(const char *path, bool make, const char **ret_name, struct error *err)
{
	_cleanup_close_ int dir = open_place(AT_FDCWD, "/");
	const char *at = path + 1, *end;

	if (dir < 0)
		return err_file(err, -dir, "/", "opening /");
	for (; (end = strchr(at, '/')); at = end + 1) {
		char name[NAME_MAX + 1];
		int next = str_print(name, sizeof(name), "%.*s", (int)(end - at), at);

		if (next == 0)
			next = open_place(dir, name);
		if (next == -ENOENT && make) {
			next = mkdir_private(dir, name);
			if (next < 0 && next != -EEXIST)
				return err_about(err,
						 err_set(err, -next,
							 "making the directory \"%.*s\"",
							 (int)(end - path), path),
						 REASON_FILE, "%.*s", (int)(end - path), path);
			next = open_place(dir, name);
		}
		if (next < 0)
			return err_about(err,
					 err_set(err, -next, "opening the directory \"%.*s\"",
						 (int)(end - path), path),
					 REASON_FILE, "%.*s", (int)(end - path), path);
		fd_close(dir);
		dir = next;
	}
	*ret_name = at;
	return TAKE_FD(dir);
}

int statepath_first_base(int (*attempt)(void *arg, const char *base, struct error *err), void *arg,
			 struct error *err)
{
	const char *bases[] = {getenv("XDG_RUNTIME_DIR"), getenv("TMPDIR"), "/tmp"};
	struct error all = {0};
	int rc = -ENOENT;

	for (size_t i = 0; i < ARRAY_SIZE(bases); i++) {
		struct error one = {0};

		if (!bases[i] || !*bases[i])
			continue;
		if (bases[i][0] == '/')
			rc = attempt(arg, bases[i], &one);
		else
			rc = err_say(&one, EINVAL, "\"%s\" is not an absolute path", bases[i]);
		if (rc == 0)
			return 0;
		log_debug("no state directory in this place: %s", one.text);
		if (all.code == 0)
			all = one;
		else
			(void)err_wrap(&all, rc, "%s; and", one.text);
	}
	if (err)
		*err = all;
	return err_wrap(err, rc, "making a state directory");
}

int statepath_refuse(const struct stat *st, const char *path, struct error *err)
{
	enum error_reason reason = REASON_NONE;
	int rc = 0;

	if (S_ISLNK(st->st_mode)) {
		reason = REASON_SYMLINK;
		rc = err_say(err, ELOOP, "state directory \"%s\": is a symbolic link", path);
	} else if (!S_ISDIR(st->st_mode)) {
		reason = REASON_NOT_DIRECTORY;
		rc = err_say(err, ENOTDIR, "state directory \"%s\": is not a directory", path);
	} else if (st->st_uid != geteuid()) {
		reason = REASON_FOREIGN;
		rc = err_say(err, EPERM,
			     "state directory \"%s\": belongs to uid %u, and we are uid %u", path,
			     (unsigned)st->st_uid, (unsigned)geteuid());
	}
	return err_about(err, rc, reason, "%s", path);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The state directory, the runtime directory, --copy-up. */
#include "../cause.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"

#define STATE STEP_BIT(STEP_STATEDIR)

static bool is_wanted_below(const struct facts *facts, const char *dir)
{
	return !facts->config->state_dir || str_after(facts->config->state_dir, dir);
}

/* Does the state directory need XDG_RUNTIME_DIR, which is not set? "$XDG_RUNTIME_DIR/name" becomes
 * "/name" then. */
static bool runtime_dir_is_unset(const struct facts *facts)
{
	const char *given = getenv("XDG_RUNTIME_DIR");
	const char *wanted = facts->config ? facts->config->state_dir : NULL;

	return !(given && *given) && !(wanted && strrchr(wanted, '/') != wanted);
}

static bool runtime_dir_is_there(struct facts *facts)
{
	return runtime_dir_is_unset(facts) &&
	       fact(facts, "dir", "/run/user/%u", machine_uid(facts->machine)) &&
	       fact_is_writable(facts->machine, fact_text(facts, "dir"));
}

static bool runtime_dir_is_missing(struct facts *facts)
{
	return runtime_dir_is_unset(facts) &&
	       fact(facts, "dir", "/run/user/%u", machine_uid(facts->machine)) &&
	       !machine_exists(facts->machine, fact_text(facts, "dir"));
}

/* The systemd manager of a user sets the variable, the system manager does not. INVOCATION_ID: man
 * 5 systemd.exec. */
static bool unit_has_no_runtime_dir(struct facts *facts)
{
	const char *unit = getenv("INVOCATION_ID");

	return runtime_dir_is_unset(facts) && unit && *unit;
}

static bool runtime_dir_is_gone(struct facts *facts)
{
	const char *given = getenv("XDG_RUNTIME_DIR");

	return given && *given == '/' && is_wanted_below(facts, given) &&
	       !machine_exists(facts->machine, given) && fact(facts, "dir", "%s", given);
}

/* After su(1) or sudo(8), the variable still names the directory of the login user. */
static bool runtime_dir_is_not_ours(struct facts *facts)
{
	const char *given = getenv("XDG_RUNTIME_DIR");
	struct stat st;

	return given && *given && is_wanted_below(facts, given) &&
	       machine_stat(facts->machine, given, &st) &&
	       st.st_uid != machine_uid(facts->machine) &&
	       fact(facts, "dir", "%s, which belongs to uid %u", given, st.st_uid);
}

static bool error_names_path(struct facts *facts)
{
	return facts->err->about[0] == '/' && fact(facts, "path", "%s", facts->err->about);
}

/* Find the longest part of the path that exists. */
static bool error_names_place(struct facts *facts)
{
	char place[ERROR_ABOUT_MAX], *end;
	struct stat st;

	if (!error_names_path(facts))
		return false;
	(void)str_print(place, sizeof(place), "%s", facts->err->about);
	while (!machine_stat(facts->machine, place, &st)) {
		end = strrchr(place, '/');
		if (!end || streq(place, "/"))
			return false;
		end[end == place] = '\0';
	}
	return fact(facts, "place", "%s", place) &&
	       fact(facts, "rights", "uid %u with mode %04o", st.st_uid, st.st_mode & 07777);
}

/* Sets {elsewhere}: another place for the state directory, or "" if there is none. */
static bool place_is_read_only(struct facts *facts)
{
	char dir[ERROR_ABOUT_MAX];

	if (!error_names_place(facts))
		return false;
	if (!fact_state_parent(facts->machine, dir, sizeof(dir)))
		return fact(facts, "elsewhere", "%s", "");
	return fact(facts, "elsewhere", "use --state-dir=%s/NAME", dir);
}

/* A file of another user, such as a subordinate id of ours, in our directory. */
static bool leftover_is_foreign(struct facts *facts)
{
	struct stat st;

	return error_names_path(facts) && machine_stat(facts->machine, facts->err->about, &st) &&
	       st.st_uid != machine_uid(facts->machine) && fact(facts, "number", "%u", st.st_uid);
}

/* The kernel appends " (deleted)" to the path of a deleted directory (man 5 proc). */
static bool working_dir_is_deleted(struct facts *facts)
{
	static const char mark[] = " (deleted)";
	const char *wanted = facts->config ? facts->config->state_dir : NULL;
	char link[PATH_MAX], path[PATH_MAX];
	ssize_t n = -1;

	if (!wanted || *wanted == '/' || !*wanted)
		return false;
	if (machine_path(facts->machine, "/proc/self/cwd", link, sizeof(link)))
		n = readlink(link, path, sizeof(path) - 1);
	if (n < (ssize_t)strlen(mark))
		return false;
	path[n] = '\0';
	if (!streq(path + n - strlen(mark), mark))
		return false;
	path[n - (ssize_t)strlen(mark)] = '\0';
	return fact(facts, "dir", "%s", path) && fact(facts, "wanted", "%s", wanted);
}

static bool state_dir_is_link(struct facts *facts)
{
	_cleanup_free_ char *real = NULL;
	char place[PATH_MAX];

	if (!error_names_path(facts) ||
	    !machine_path(facts->machine, facts->err->about, place, sizeof(place)))
		return false;
	real = realpath(place, NULL);
	return real && str_after(real, facts->machine->root) &&
	       fact(facts, "target", "%s", str_after(real, facts->machine->root));
}

/* DIR:MODE with an unknown mode is the path of a directory. */
static bool copy_up_mode_is_unknown(struct facts *facts)
{
	const char *path = facts->err->about, *colon = strrchr(path, ':');

	return colon && !strchr(colon, '/') && error_names_path(facts) &&
	       !machine_exists(facts->machine, path) &&
	       fact(facts, "dir", "%.*s", (int)(colon - path), path) &&
	       machine_exists(facts->machine, fact_text(facts, "dir")) &&
	       fact(facts, "mode", "%s", colon + 1);
}

/* Sets {enclosing}: how to create the directory in a copy of the one above it. */
static bool copy_up_is_missing(struct facts *facts)
{
	const char *above;

	if (!error_names_place(facts) || machine_exists(facts->machine, facts->err->about))
		return false;
	above = fact_text(facts, "place");
	if (streq(above, "/") || streq(above, "/tmp") || !facts->config ||
	    facts->config->persona != PERSONA_FAUXROOT)
		return fact(facts, "enclosing", "%s", "");
	return fact(facts, "enclosing", "add --copy-up=%s # then %s is created in that copy", above,
		    facts->err->about);
}

/* The directory itself, or one on the way to it. */
static bool copy_up_is_closed(struct facts *facts)
{
	struct stat st;

	return error_names_place(facts) &&
	       machine_stat(facts->machine, fact_text(facts, "place"), &st) &&
	       is_closed_to_us(facts, &st, 0555);
}

const struct cause causes_of_the_state_dir[] = {
	{FAILURE("statedir-in-use", STATE, REASON_IN_USE, EBUSY),
	 .cause = "only one instance can use a state directory, and process {pid} uses this one",
	 .remedy = "use another --state-dir\nkill {pid}"},
	{FAILURE("statedir-in-use-by-somebody", STATE, REASON_IN_USE, EBUSY),
	 .cause = "only one instance can use a state directory, and another process uses this one",
	 .remedy = "use another --state-dir\nterminate that instance"},
	{FAILURE("statedir-left-behind", STATE, REASON_LEFT_BEHIND, EACCES, EPERM),
	 .test = leftover_is_foreign,
	 .cause = "{path}, which the command of an earlier instance has left behind, belongs to "
		  "uid {number}",
	 .remedy = "fauxroot rm -rf {path} # if {number} is a subordinate id of {user}\n"
		   "sudo rm -rf {path}\nuse --state-dir={runtime dir}/NAME"},
	{FAILURE("statedir-no-cwd", STATE, ANY_REASON, ENOENT), .test = working_dir_is_deleted,
	 .cause =
		 "--state-dir={wanted} is relative to the working directory, {dir}, which has been "
		 "deleted",
	 .remedy = "cd /\nuse --state-dir with an absolute path"},
	{FAILURE("runtime-dir-foreign", STATE, ANY_REASON, EACCES, EPERM, ENOENT, EROFS),
	 .test = runtime_dir_is_not_ours,
	 .cause = "XDG_RUNTIME_DIR is {dir}, as after su or sudo from that user's session",
	 .remedy = "machinectl shell {user}@\nssh {user}@localhost\n{have runtime dir}"},
	{FAILURE("runtime-dir-gone", STATE, ANY_REASON, EACCES, EPERM, ENOENT, EROFS),
	 .test = runtime_dir_is_gone,
	 .cause = "XDG_RUNTIME_DIR is {dir}, which does not exist, as after the last session of "
		  "{user}",
	 .remedy = "{have runtime dir}\nuse --state-dir"},
	{FAILURE("unit-without-runtime-dir", STATE, ANY_REASON, EACCES, EPERM, ENOENT, EROFS),
	 .test = unit_has_no_runtime_dir,
	 .cause = "this systemd unit has no XDG_RUNTIME_DIR; without it daemons such as buildkitd "
		  "and dockerd use directories that belong to root",
	 .remedy = "set RuntimeDirectory=fauxroot and Environment=XDG_RUNTIME_DIR=%t/fauxroot in "
		   "the [Service] section"},
	{FAILURE("runtime-dir-unset", STATE, ANY_REASON, EACCES, EPERM, ENOENT, EROFS),
	 .test = runtime_dir_is_there, .cause = "XDG_RUNTIME_DIR is not set, although {dir} exists",
	 .remedy = "{have runtime dir}"},
	{FAILURE("no-runtime-dir", STATE, ANY_REASON, EACCES, EPERM, ENOENT, EROFS),
	 .test = runtime_dir_is_missing,
	 .cause = "XDG_RUNTIME_DIR is not set and {dir} is missing: {user} has no login session",
	 .remedy = "{have runtime dir}\nuse --state-dir"},
	{FAILURE("statedir-below-foreign", STATE, REASON_FOREIGN_PARENT, EPERM),
	 .test = error_names_path,
	 .cause = "{path} belongs to another user, who could replace the state directory",
	 .remedy = "use --state-dir={runtime dir}/NAME"},
	{FAILURE("statedir-foreign", STATE, REASON_FOREIGN, EPERM), .test = error_names_path,
	 .cause = "{path} belongs to another user; a state directory must belong to the user who "
		  "starts fauxroot",
	 .remedy = "use --state-dir={runtime dir}/NAME"},
	{FAILURE("statedir-link", STATE, REASON_SYMLINK, ELOOP), .test = state_dir_is_link,
	 .cause = "{path} is a symbolic link, whose target somebody could change",
	 .remedy = "use --state-dir={target}"},
	{FAILURE("statedir-no-directory", STATE, REASON_NOT_DIRECTORY, ENOTDIR),
	 .test = error_names_path, .cause = "{path} is a file",
	 .remedy = "use --state-dir={runtime dir}/NAME"},
	{/* The text of the error contains the reason. */
	 FAILURE("statedir-precious", STATE, REASON_PRECIOUS, ANY_CODE), .test = error_names_path,
	 .cause = "fauxroot empties its state directory at start and removes it at the end",
	 .remedy = "use --state-dir={runtime dir}/NAME"},
	{FAILURE("statedir-full", STATE | STEP_BIT(STEP_API), REASON_FILE, ENOSPC, EDQUOT),
	 .test = error_names_place,
	 .cause = "the file system of {place} has no space, inodes or quota left for us",
	 .remedy = "df {place} && df -i {place} # then free some space\nuse --state-dir on another "
		   "file system"},
	{FAILURE("statedir-read-only", STATE, REASON_FILE, EROFS), .test = place_is_read_only,
	 .cause = "{place} is on a file system that is mounted read-only", .docker = "--tmpfs /tmp",
	 .kubernetes = "mount an emptyDir on /tmp", .remedy = "{elsewhere}",
	 .outside = "{elsewhere}\nsudo mount -t tmpfs -o mode=1777 none /tmp"},
	{FAILURE("statedir-closed", STATE, REASON_FILE, EACCES, EPERM), .test = error_names_place,
	 .cause = "{place} belongs to {rights}, and {user} may not create files there",
	 .remedy = "use --state-dir={runtime dir}/NAME"},
	{FAILURE("statedir-path-long", STATE, ANY_REASON, ENAMETOOLONG),
	 .cause = "the path of a UNIX socket has at most 107 bytes (man 7 unix)",
	 .remedy = "use a shorter --state-dir"},
	{FAILURE("copy-up-mode-unknown", STEP_BIT(STEP_MOUNT), REASON_COPY_UP, ENOENT),
	 .test = copy_up_mode_is_unknown,
	 .cause = "there is no {path}, and \"{mode}\" is not a mode of --copy-up",
	 .remedy = "use --copy-up={dir}:copy\nuse --copy-up={dir}:tmpfs+symlink"},
	{FAILURE("copy-up-missing", STEP_BIT(STEP_MOUNT), REASON_COPY_UP, ENOENT, ENOTDIR),
	 .test = copy_up_is_missing, .cause = "there is no {path}",
	 .remedy = "omit --copy-up={path}\nsudo mkdir -p {path}\n{enclosing}"},
	{FAILURE("copy-up-closed", STEP_BIT(STEP_MOUNT), REASON_COPY_UP, EACCES),
	 .test = copy_up_is_closed,
	 .cause = "{place} belongs to {rights}: fake root has the same rights there as {user}, and "
		  "cannot list what to copy",
	 .remedy = "omit --copy-up={path}\nsudo chmod o+rx {place}"},
	{FAILURE("copy-up-large", STEP_BIT(STEP_MOUNT), REASON_COPY_UP, EFBIG),
	 .test = error_names_path,
	 .cause = "each start copies all files of the directory to memory",
	 .remedy = "use --copy-up={path}:tmpfs+symlink\nuse --copy-up={path}/NAME:copy for each "
		   "directory below {path} that the command writes to"},
	{FAILURE("copy-up-memory", STEP_BIT(STEP_MOUNT), REASON_COPY_UP, ENOSPC, ENOMEM),
	 .test = error_names_path, .cause = "there is not enough memory for the copies",
	 .remedy = "use --copy-up={path}:tmpfs+symlink\nfree # then stop other programs"},
	{.cause = NULL},
};

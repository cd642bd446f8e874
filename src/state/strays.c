/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * mkdtemp(3) could make a name such as fauxroot.backup, but such a directory may be a user's. So
 * the name alone is not enough. The directory must belong to our user, have mode 0700, and hold
 * only entries that a launcher makes before the command runs.
 *
 * This may remove the directory of a launcher that has just made it and has not locked it yet. That
 * launcher then makes the directory again (statedir.c).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/str.h"
#include "fauxroot/state/statedir.h"
#include "statepath.h"

/* The most entries of a directory that are examined: /tmp may have any number of them. */
#define MAX_ENTRIES 10000

/* Is @name a file that a launcher makes? Temporary names (file.c) are included. */
static bool is_launchers(const char *name)
{
	static const char *const names[] = {"lock",	"api.sock", "ns.sock",
					    "s4n.sock", "notify",   "resolv.conf",
					    "hosts",	"netns",    "child_pid"};
	char temporary[32];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		(void)str_print(temporary, sizeof(temporary), ".%s.new", names[i]);
		if (streq(name, names[i]) || streq(name, temporary))
			return true;
	}
	return streq(name, ".") || streq(name, "..");
}

/* Does the directory @fd contain only files that a launcher makes? Closes @fd. */
static bool has_only_launchers_files(int fd)
{
	DIR *dir = fdopendir(fd);
	const struct dirent *entry;
	bool all = dir != NULL;

	if (!dir)
		fd_close(fd);
	while (all && (entry = readdir(dir)))
		all = is_launchers(entry->d_name);
	if (dir)
		closedir(dir);
	return all;
}

static void sweep_stray(int base, const char *path, const char *name)
{
	_cleanup_free_ char *stray = str_format("%s/%s", path, name);
	struct stat st;
	int fd;

	if (!stray)
		return;
	fd = openat(base, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return;
	if (fstat(fd, &st) < 0 || st.st_uid != geteuid() || (st.st_mode & 07777) != 0700)
		fd_close(fd);
	else if (has_only_launchers_files(fd))
		statedir_sweep(stray, 0);
}

/* Called by statepath_first_base(). */
static int sweep_under(void *arg, const char *base, struct error *err)
{
	_cleanup_free_ char *path = realpath(base, NULL);
	DIR *dir = path ? opendir(path) : NULL;
	const struct dirent *entry;

	(void)arg;
	if (!dir)
		return err_set(err, ENOENT, "\"%s\"", base);
	for (int i = 0; i < MAX_ENTRIES && (entry = readdir(dir)); i++)
		if (fnmatch(OWN_PATTERN, entry->d_name, 0) == 0)
			sweep_stray(dirfd(dir), path, entry->d_name);
	closedir(dir);
	return 0;
}

void statedir_sweep_strays(void)
{
	struct error err;

	(void)statepath_first_base(sweep_under, NULL, &err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Where a program is: by PATH, or where it would be if PATH led there. */
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fauxroot/base/str.h"
#include "machine.h"

static bool is_file(const struct machine *machine, const char *path)
{
	char place[PATH_MAX];
	struct stat st;

	return machine_path(machine, path, place, sizeof(place)) && stat(place, &st) == 0 &&
	       S_ISREG(st.st_mode);
}

bool machine_find(const struct machine *machine, const char *name, char *buf, size_t size)
{
	const char *path = getenv("PATH");

	if (strchr(name, '/'))
		return str_print(buf, size, "%s", name) == 0 && is_file(machine, name);
	for (path = path ? path : "/usr/local/bin:/usr/bin:/bin";;) {
		size_t n = strcspn(path, ":");

		if (str_print(buf, size, "%.*s/%s", (int)n, path, name) == 0 &&
		    is_file(machine, buf))
			return true;
		if (path[n] == '\0')
			return false;
		path += n + 1;
	}
}

/* NixOS and Guix have their set-user-ID programs in the first two. */
static const char *const usual_dirs[] = {
	"/run/wrappers/bin", "/run/privileged/bin", "/usr/local/bin", "/usr/bin", "/bin",
	"/usr/local/sbin",   "/usr/sbin",	    "/sbin",
};

bool machine_find_elsewhere(const struct machine *machine, const char *name, mode_t bits, char *dir,
			    size_t size)
{
	for (size_t i = 0; !strchr(name, '/') && i < ARRAY_SIZE(usual_dirs); i++) {
		char path[PATH_MAX], place[PATH_MAX];
		struct stat st;

		if (str_print(path, sizeof(path), "%s/%s", usual_dirs[i], name) == 0 &&
		    machine_path(machine, path, place, sizeof(place)) && stat(place, &st) == 0 &&
		    S_ISREG(st.st_mode) && (st.st_mode & bits) == bits)
			return str_print(dir, size, "%s", usual_dirs[i]) == 0;
	}
	return false;
}

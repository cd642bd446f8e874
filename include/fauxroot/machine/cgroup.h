/* SPDX-License-Identifier: Apache-2.0 */
/* Where our cgroup is in the file system: what two files of /proc say. */
#pragma once

#include <stddef.h>

struct machine;

/*
 * cgroup2_membership() - our cgroup v2 out of /proc/self/cgroup (man 7 cgroups)
 * @ret: "/", "/user.slice/…", as seen from our cgroup namespace; to be freed
 *
 * Returns 0; -ENOENT where there is no hierarchy of version 2; -ESTALE where the cgroup has been
 * removed under us, or lies outside of our cgroup namespace; -ENOMEM.
 */
int cgroup2_membership(const char *text, size_t size, char **ret);

/*
 * cgroup2_directory() - the directory of @cgroup out of /proc/self/mountinfo (man 5 proc)
 * @ret: below the last mount that shows it; to be freed
 *
 * Returns 0; -ENODEV where no cgroup2 is mounted at all; -ENXIO where it is, but shows other parts
 * of the hierarchy; -ENOMEM.
 */
int cgroup2_directory(const char *text, size_t size, const char *cgroup, char **ret);

/*
 * machine_cgroup2() - both of them for this process
 * @ret_cgroup: as cgroup2_membership(), also where the directory is not found; or NULL
 * @ret_dir: as cgroup2_directory()
 *
 * Returns 0 or what those two return, or -errno of reading the files. Both are NULL, or to be
 * freed, whatever happens.
 */
int machine_cgroup2(const struct machine *machine, char **ret_cgroup, char **ret_dir);

/* cgroup_lacks() - the words of @wanted that the text of cgroup.controllers does not have */
void cgroup_lacks(const char *text, const char *wanted, char *buf, size_t size);

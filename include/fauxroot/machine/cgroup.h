/* SPDX-License-Identifier: Apache-2.0 */
/* Our cgroup and its directory, from /proc/self/cgroup and /proc/self/mountinfo. */
#pragma once

#include <stddef.h>

struct machine;

/*
 * cgroup2_membership() - parse our cgroup v2 from /proc/self/cgroup (man 7 cgroups)
 * @text, @size: content of the file
 * @ret: "/", "/user.slice/…", relative to our cgroup namespace; the caller frees it
 *
 * Returns 0; -ENOENT if there is no hierarchy of version 2; -ESTALE if the cgroup was removed, or
 * is outside of our cgroup namespace; -ENOMEM.
 */
int cgroup2_membership(const char *text, size_t size, char **ret);

/*
 * cgroup2_directory() - find the directory of @cgroup from /proc/self/mountinfo (man 5 proc)
 * @text, @size: content of the file
 * @ret: a path below the last mount that contains the cgroup; the caller frees it
 *
 * Returns 0; -ENODEV if no cgroup2 file system is mounted; -ENXIO if all its mounts show other
 * parts of the hierarchy; -ENOMEM.
 */
int cgroup2_directory(const char *text, size_t size, const char *cgroup, char **ret);

/*
 * machine_cgroup2() - find this process's cgroup and its directory
 * @ret_cgroup: as in cgroup2_membership(); also filled if the directory is not found. May be NULL
 * @ret_dir: as in cgroup2_directory()
 *
 * Returns 0, an error of these two functions, or -errno of reading the files. After an error, too,
 * each result is NULL or a string that the caller frees.
 */
int machine_cgroup2(const struct machine *machine, char **ret_cgroup, char **ret_dir);

/*
 * cgroup_lacks() - print the missing controllers
 * @text: content of cgroup.controllers
 * @wanted: names of controllers, separated by blanks
 * @buf: the names from @wanted that are not in @text; "": all are there
 */
void cgroup_lacks(const char *text, const char *wanted, char *buf, size_t size);

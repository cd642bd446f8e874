/* SPDX-License-Identifier: Apache-2.0 */
/* Facts of the machine, read below a replaceable root. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "fauxroot/base/parse.h"
#include "fauxroot/check/explain.h"

/* machine_path() - @path below the root into @buf; false where it does not fit */
bool machine_path(const struct machine *machine, const char *path, char *buf, size_t size);

/* machine_read() - the whole file as a fresh, NUL-terminated string; NULL where it cannot be read
 */
char *machine_read(const struct machine *machine, const char *path);

/* machine_word() - the first line of a file, white space at its end cut; false without one */
bool machine_word(const struct machine *machine, const char *path, char *buf, size_t size);

bool machine_exists(const struct machine *machine, const char *path);

/* machine_status() - the value of one field of /proc/self/status: "NoNewPrivs", "CapBnd" */
bool machine_status(const struct machine *machine, const char *field, char *buf, size_t size);

/* machine_id() - our effective uid (@field "Uid") or gid ("Gid"); UINT32_MAX where unknown */
uint32_t machine_id(const struct machine *machine, const char *field);

/* machine_lacks_cap() - is the capability outside our bounding set, so that no setuid program of
 * ours can have it? False where that is not known. */
bool machine_lacks_cap(const struct machine *machine, unsigned cap);

/* machine_map_line() - a line of /proc/self/uid_map: the first id in here, and how many */
bool machine_map_line(struct cursor line, uint32_t *ret_inside, uint32_t *ret_count);

/* machine_maps_until() - the first id from @first on that our own /proc/self/@file lacks */
uint64_t machine_maps_until(const struct machine *machine, const char *file, uint64_t first);

/* machine_maps() - are all of @count ids from @first in our own /proc/self/@file (uid_map)? */
bool machine_maps(const struct machine *machine, const char *file, uint32_t first, uint32_t count);

/* machine_user() - our login name by /etc/passwd, else our uid in digits; true for a name */
bool machine_user(const struct machine *machine, char *buf, size_t size);

/* machine_account() - our primary group's id by /etc/passwd; false for a uid that is not there */
bool machine_account(const struct machine *machine, uint32_t *ret_gid);

/* machine_group() - the name of the group @gid by /etc/group, else its digits */
void machine_group(const struct machine *machine, uint32_t gid, char *buf, size_t size);

/* machine_runtime_dir() - XDG_RUNTIME_DIR where it is ours, else where it would be */
void machine_runtime_dir(const struct machine *machine, char *buf, size_t size);

/* machine_find() - a file of this name in PATH (or @name itself, with a slash), executable or not
 */
bool machine_find(const struct machine *machine, const char *name, char *buf, size_t size);

/*
 * machine_find_elsewhere() - a directory with a file of this name among those that distributions
 * use, in PATH or not
 * @bits: of the file's mode that must be set
 */
bool machine_find_elsewhere(const struct machine *machine, const char *name, mode_t bits, char *dir,
			    size_t size);

/*
 * machine_mount_has() - is the file system that @path is on mounted with @option ("nosuid")?
 * @ret_point: its mount point, by /proc/self/mountinfo (man 5 proc)
 */
bool machine_mount_has(const struct machine *machine, const char *path, const char *option,
		       char *ret_point, size_t size);

/* machine_mount_type() - the type of the file system that @path is on: "ext4"; false: not known */
bool machine_mount_type(const struct machine *machine, const char *path, char *buf, size_t size);

/* A container that we are in. */
struct container {
	char name[64]; /* of its runtime: "Docker", "systemd-nspawn" */
	char mark[64]; /* the file, or the variable, that tells it */
};

/* machine_container() - are we in one? */
bool machine_container(const struct machine *machine, struct container *ret);
bool machine_in_container(const struct machine *machine);

/* machine_package() - how this distribution installs what @program is in: "sudo apt-get install
 * uidmap"; a sentence without command where the distribution is unknown */
const char *machine_package(const struct machine *machine, const char *program, char *buf,
			    size_t size);

/* machine_boot() - how this distribution gives the kernel @argument from the next boot on; a
 * sentence without command where that is not known */
const char *machine_boot(const struct machine *machine, const char *argument, char *buf,
			 size_t size);

/*
 * machine_free_range() - USUAL_IDS subordinate ids that nobody has on this machine
 *
 * From SUB_UID_MIN of login.defs (100000) on, outside of every line of /etc/subuid and /etc/subgid
 * and every uid and gid of /etc/passwd and /etc/group, and inside our own id maps; where those have
 * no such range, as many ids as they have. False where they have none.
 */
bool machine_free_range(const struct machine *machine, uint32_t *ret_first, uint32_t *ret_count);

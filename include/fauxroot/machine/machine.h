/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of a machine, read below a root that can be replaced. Each file format has one parser
 * in this room; what the facts mean for a launch is not known here.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

/*
 * struct machine - where the facts are read
 * @root: "" for this machine; another directory holds fabricated proc/, sys/, etc/ and the
 *	directories of PATH, for tests
 * @services: ask the name service for accounts that /etc/passwd does not have (getpwuid(3))
 */
struct machine {
	const char *root;
	bool services;
};

/* This machine, with all that it has. */
extern const struct machine this_machine;

/* machine_path() - @path below the root into @buf; false where it does not fit */
bool machine_path(const struct machine *machine, const char *path, char *buf, size_t size);

/*
 * machine_load() - the whole of the file @path
 * @ret: a fresh, NUL-terminated string; @ret_size: its length, or NULL
 *
 * Returns 0, -ENAMETOOLONG, -EFBIG past 64 MiB, or -errno of reading.
 */
int machine_load(const struct machine *machine, const char *path, char **ret, size_t *ret_size);

/* machine_read() - as machine_load(), or NULL where the file cannot be read */
char *machine_read(const struct machine *machine, const char *path);

/* machine_word() - the first line of a file, white space at its end cut; false without one */
bool machine_word(const struct machine *machine, const char *path, char *buf, size_t size);

/* machine_stat() - stat(2) of @path; false where it fails */
bool machine_stat(const struct machine *machine, const char *path, struct stat *ret);

/* machine_exists() - is there an entry of this name, if only a symbolic link? */
bool machine_exists(const struct machine *machine, const char *path);

/*
 * machine_find() - a regular file of this name in PATH (or @name itself, with a slash), executable
 * or not; PATH is read as path_find() reads it
 */
bool machine_find(const struct machine *machine, const char *name, char *buf, size_t size);

/*
 * machine_find_elsewhere() - a directory with a file of this name among those that distributions
 * use, in PATH or not
 * @bits: of the file's mode that must be set
 */
bool machine_find_elsewhere(const struct machine *machine, const char *name, mode_t bits, char *dir,
			    size_t size);

/* A container that we are in. */
struct container {
	char name[64]; /* of its runtime: "Docker", "systemd-nspawn" */
	char mark[64]; /* the file, or the variable, that tells it */
};

/* machine_container() - are we in one? */
bool machine_container(const struct machine *machine, struct container *ret);
bool machine_in_container(const struct machine *machine);

/*
 * osrelease_field() - the value of the field @name in the text of os-release(5), quotes removed
 *
 * Returns false, with @buf untouched, where there is none or it does not fit.
 */
bool osrelease_field(const char *text, const char *name, char *buf, size_t size);

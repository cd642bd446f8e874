/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of a machine, read below a root that tests can replace. Each file format has one parser
 * in this room. Other rooms decide what the facts mean for a launch.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

/*
 * struct machine - the source of the facts
 * @root: "" for this machine; else a test's directory with its own proc/, sys/, etc/ and the
 *	directories of PATH
 * @services: query the name service for users that are not in /etc/passwd (getpwuid(3))
 */
struct machine {
	const char *root;
	bool services;
};

/* This machine, with its name service. */
extern const struct machine this_machine;

/* machine_path() - print @path below the root into @buf; false if it does not fit */
bool machine_path(const struct machine *machine, const char *path, char *buf, size_t size);

/*
 * machine_load() - read the whole file @path
 * @ret: its content, NUL-terminated; the caller frees it
 * @ret_size: its size in bytes; may be NULL
 *
 * Returns 0; -ENAMETOOLONG; -EFBIG above 64 MiB; or -errno of reading.
 */
int machine_load(const struct machine *machine, const char *path, char **ret, size_t *ret_size);

/* machine_read() - as machine_load(), but returns the content; NULL if the file cannot be read */
char *machine_read(const struct machine *machine, const char *path);

/* machine_first_line() - read the first line of a file into @buf, in printable form; false if it is
 * empty or cannot be read */
bool machine_first_line(const struct machine *machine, const char *path, char *buf, size_t size);

/* machine_stat() - stat(2) of @path; false if it fails */
bool machine_stat(const struct machine *machine, const char *path, struct stat *ret);

/* machine_exists() - does a directory entry @path exist? A dangling symbolic link counts. */
bool machine_exists(const struct machine *machine, const char *path);

/* machine_self() - the path of this process's executable; false if it is unknown */
bool machine_self(const struct machine *machine, char *buf, size_t size);

/*
 * machine_find() - find a regular file of this name in PATH, executable or not
 * @name: a name with a slash is not searched in PATH
 * @buf: the path of the file
 *
 * PATH is interpreted as in path_find(). Returns false if there is no such file.
 */
bool machine_find(const struct machine *machine, const char *name, char *buf, size_t size);

/*
 * machine_find_elsewhere() - find a file of this name in the usual directories for programs,
 * whether they are in PATH or not
 * @bits: mode bits that the file must have
 * @dir: the directory of the file
 *
 * Returns false if there is no such file.
 */
bool machine_find_elsewhere(const struct machine *machine, const char *name, mode_t bits, char *dir,
			    size_t size);

/* The container in which we run. */
struct container {
	char name[64]; /* of its runtime: "Docker", "systemd-nspawn" */
	char mark[64]; /* the file or environment variable that shows it */
};

/* machine_container() - do we run in a container? */
bool machine_container(const struct machine *machine, struct container *ret);

/*
 * osrelease_field() - copy the value of the field @name from the text of os-release(5), without
 * quotes
 *
 * Returns false if there is no such field or its value does not fit.
 */
bool osrelease_field(const char *text, const char *name, char *buf, size_t size);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolv.conf and hosts of a child with a network of its own. The launcher composes them from the
 * host's files and keeps them in the state directory. The child binds them on /etc/resolv.conf and
 * /etc/hosts. When the host replaces its file, the kernel removes the mount, and a runner binds the
 * file again.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/str.h"

struct error;

enum etcfile { ETCFILE_RESOLV_CONF, ETCFILE_HOSTS, ETCFILE_COUNT_ };

/* The contents of the host's files, from a look (etclook.h). */
struct etchost {
	struct {
		char *text; /* NULL or empty: not read */
		size_t size;
		int rc; /* 0; 1: only the beginning, the file is too large; or -errno */
	} files[ETCFILE_COUNT_];
};

#define ETCHOST_NONE ((struct etchost){{{NULL, 0, 0}}})

/* etchost_clear() - free the texts; @host is ETCHOST_NONE afterwards */
void etchost_clear(struct etchost *host);

#define _cleanup_etchost_ _cleanup_(etchost_clear)

/* The lines that the files contain in addition to the host's. */
struct etc_content {
	const struct strv *dns; /* addresses of name servers, in order; NULL: no resolv.conf */
	const char *names;	/* lines for hosts before all others, complete; NULL: none */
};

/* Writes one complete file. Every id of the child must be able to read it (0644). Returns 0 or
 * -errno. */
typedef int etcfile_write(const void *arg, enum etcfile file, const char *text, size_t size,
			  struct error *err);

/*
 * etcfiles_write_parent() - compose resolv.conf and hosts, and pass them to @write
 * @host: the contents of the host's files
 * @write: called with @write_arg
 *
 * resolv.conf keeps the search (or domain) and options lines of the file that the host's
 * /etc/resolv.conf leads to. hosts keeps the host's lines, and maps its name to 127.0.0.1 and ::1.
 * A missing host file counts as empty. An unreadable one counts as empty with a warning; so does
 * the part of a file beyond 16 MiB. Returns 0 or -errno at step STEP_MOUNT.
 */
int etcfiles_write_parent(const struct etchost *host, etcfile_write *write, const void *write_arg,
			  const struct etc_content *content, struct error *err);

/* etcfile_name() - the name of @file, in /etc and in the state directory */
const char *etcfile_name(enum etcfile file);

/* The launcher's view of a file that it has written for the child. */
struct etccopy {
	int fd; /* -1: not open */
	size_t size;
	uint64_t sum;	 /* of the contents that we have written */
	bool unfinished; /* the last write failed */
};

#define ETCCOPY_NONE ((struct etccopy){.fd = -1})

/* etccopy_open() - open the file @name of @dir, which has just been written with @text, before the
 * command runs; 0 or -errno */
int etccopy_open(int dir, const char *name, const char *text, size_t size, struct etccopy *ret);

/*
 * etccopy_renew() - write the file again, in place
 *
 * Returns 1; 0 if it has this text already; -ESTALE if the command has written to it: it stays
 * unchanged; or -errno (ENOSPC: the next call writes it, whatever its contents are).
 */
int etccopy_renew(struct etccopy *copy, const char *text, size_t size);

/* etccopy_close() - accepts ETCCOPY_NONE */
void etccopy_close(struct etccopy *copy);

/* O_PATH descriptors of the state directory's files and of /etc, in the child's mount namespace. */
struct etcfiles {
	int fd[ETCFILE_COUNT_]; /* -1: there is no such file */
	int etc; /* /etc, where the files are mounted; -1 before that, and if /etc is copied up */
};

#define ETCFILES_NONE ((struct etcfiles){{-1, -1}, -1})

/*
 * etcfiles_open_child() - open the files of @state_dir, before copy-up covers a parent directory
 * @with_resolv_conf: false: only hosts
 *
 * Returns 0 or -errno at step STEP_MOUNT.
 */
int etcfiles_open_child(const char *state_dir, bool with_resolv_conf, struct etcfiles *ret,
			struct error *err);

/*
 * etcfiles_bind_child() - bind the files on the entries of /etc
 * @etc_copied: /etc is our own tmpfs: an entry that is a link or missing first becomes a file
 *
 * Without copy-up the file is mounted on the entry of /etc itself, even if the entry is a
 * (dangling) symbolic link. So the mount stays when systemd-resolved renames a file over the link's
 * target. Nothing can be mounted on a missing entry: this logs a warning. Returns 0 or -errno at
 * step STEP_MOUNT.
 */
int etcfiles_bind_child(struct etcfiles *files, bool etc_copied, struct error *err);

/* etcfiles_close() - close the descriptors; @files is ETCFILES_NONE afterwards */
void etcfiles_close(struct etcfiles *files);

#define _cleanup_etcfiles_ _cleanup_(etcfiles_close)

/*
 * etcfiles_repair() - bind the files again that are not bound any more; call it in a runner in the
 * child's user and mount namespaces
 * @files: as left by etcfiles_bind_child() without copy-up
 *
 * An entry of /etc that is still a mount, ours or the target's, stays unchanged. So does a missing
 * entry: the watch reports when it appears. The only path look-up is the entry's name in /etc, so
 * mounts of the target over /etc or over the path of our files have no effect. Returns 0 or -errno.
 */
int etcfiles_repair(const struct etcfiles *files, struct error *err);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The watch on the host's /etc/resolv.conf and /etc/hosts, wherever their links lead. See
 * etcwatch.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* The most directories that are watched: those of all links on the way to both files. */
#define ETCWATCH_MAX 64

struct etcwatch {
	int fd; /* of inotify(7); readable when something has changed; -1: not open */
	struct {
		int wd;
		char *name;    /* of the entry in that directory */
		bool is_entry; /* the directory is /etc, the name is one of the two */
		bool is_kept;
	} items[ETCWATCH_MAX];
	size_t n;
};

#define ETCWATCH_NONE ((struct etcwatch){.fd = -1})

/* Results of etcwatch_read(). */
enum {
	ETCWATCH_CHANGED = 1 << 0,  /* a file may have other contents: read both again */
	ETCWATCH_REPLACED = 1 << 1, /* an entry of /etc was replaced: etcfiles_repair() */
};

/*
 * etcwatch_open() - open a watch that watches nothing yet
 *
 * The descriptor is close-on-exec and non-blocking. Returns 0 or -errno of inotify_init1(2).
 */
int etcwatch_open(struct etcwatch *ret);

/*
 * etcwatch_follow() - watch both files, along the links as they are now
 *
 * Waits for the file systems on the way: call it in a process of its own (etclook.h). Earlier
 * changes are not reported: read the files once afterwards, and call etcfiles_repair() once.
 * Returns 0, or -errno of inotify_add_watch(2) on /etc. Other directories that cannot be watched
 * are left out.
 */
int etcwatch_follow(struct etcwatch *watch);

/*
 * etcwatch_read() - read the events
 * @unknown: a look is on its way, so directories may be watched that @watch does not know yet:
 *every event counts as a change, and the replacement of one of the names as one in /etc
 *
 * Never blocks. Returns ETCWATCH_… or 0; -errno if the watch has failed: close it.
 */
int etcwatch_read(struct etcwatch *watch, bool unknown);

/* etcwatch_close() - accepts ETCWATCH_NONE; @watch is ETCWATCH_NONE afterwards */
void etcwatch_close(struct etcwatch *watch);

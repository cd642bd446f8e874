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
		int wd;	       /* the watch descriptor of a directory */
		char *name;    /* of an entry in that directory */
		bool is_entry; /* the entry is /etc/resolv.conf or /etc/hosts */
		bool is_kept;  /* only used by etcwatch_follow() */
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
 * May block, because the links may lead to any file system: call it in a process of its own
 * (etclook.h). Earlier changes are not reported: read the files once afterwards, and call
 * etcfiles_repair() once.
 * Returns 0, or -errno of inotify_add_watch(2) on /etc. Other directories that cannot be watched
 * are left out.
 */
int etcwatch_follow(struct etcwatch *watch);

/*
 * etcwatch_read() - read the events
 * @unknown: a look runs, so @watch does not know all watches yet. Then every event counts as a
 *	change, and an event with the name resolv.conf or hosts counts as a replacement in /etc
 *
 * Never blocks. Returns ETCWATCH_… or 0; -errno if the watch has failed: close it.
 */
int etcwatch_read(struct etcwatch *watch, bool unknown);

/* etcwatch_close() - accepts ETCWATCH_NONE; @watch is ETCWATCH_NONE afterwards */
void etcwatch_close(struct etcwatch *watch);

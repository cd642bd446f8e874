/* SPDX-License-Identifier: Apache-2.0 */
/*
 * epoll sets of the command that contain a socket before connect(2): nginx, Java NIO and others add
 * it first. A set refers to the open file, not to the descriptor (man 7 epoll), so a replaced
 * socket would never be reported. The host's socket joins the set under the same number.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "page.h"

struct attempt;
struct cursor;
struct membership;

#define SETS_PROCESSES 16 /* processes to remember */
#define SETS_KNOWN     16 /* epoll sets of one process */

/*
 * Facts about the processes of the command. A search through all descriptors of a process takes a
 * few microseconds for each, so its epoll sets are remembered for a time. To check whether a known
 * set contains a descriptor takes about two microseconds (man 2 kcmp).
 */
struct sets_memory {
	struct sets_process {
		pid_t tid;	  /* 0: none */
		uint32_t made;	  /* page.sets when it was searched */
		int64_t until_ms; /* search again after this time */
		int n;		  /* -1: more than SETS_KNOWN */
		int sets[SETS_KNOWN];
	} items[SETS_PROCESSES];
};

/*
 * sets_find() - find the sets that contain @a->old: @a->sets
 * @made: page.sets, which counts new sets
 *
 * Returns LEFT_NOT; LEFT_SHARED if a search finds another descriptor of the socket, which would
 * keep the old one; LEFT_OPTION if a new member cannot get the state of the old one;
 * LEFT_UNREADABLE or LEFT_FAILED if the sets cannot be read, or are too many.
 */
enum left sets_find(struct sets_memory *memory, uint32_t made, struct attempt *a);

/*
 * sets_join() - add the socket @number to the sets @a->sets
 * @number: @a->fresh under the same number as in the command's process
 *
 * Returns 0 or -errno.
 */
int sets_join(const struct attempt *a, int number);

/* sets_parse() - parse a line of a set's /proc/PID/fdinfo, "tfd: 5 events: 19 data: 5 pos:0 ino:1c
 * sdev:8"; returns false for other lines */
bool sets_parse(struct cursor line, int *ret_fd, uint64_t *ret_inode, struct membership *ret);

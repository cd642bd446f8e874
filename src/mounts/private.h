/* SPDX-License-Identifier: Apache-2.0 */
/* Private to mounts/: declarations that its files share. */
#pragma once

#include "fauxroot/mounts/etcfiles.h"

/* The names of the files, in /etc and in the state directory. */
extern const char *const etcfile_names[ETCFILE_COUNT_];

/* The most bytes that are read of a host's file. Lists of blocked hosts have a few MiB. */
#define ETCFILE_MAX (16U << 20)

/* etcfile_bind() - bind the place @file on the entry @name of @etc itself, even if it is a symbolic
 * link; 0 or -errno */
int etcfile_bind(int file, int etc, const char *name);

/* cwd_follow() - after a mount on @covered: if the working directory is there, change to the same
 * path in the mount, or to @covered if the path does not exist in it */
void cwd_follow(const char *covered);

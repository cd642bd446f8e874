/* SPDX-License-Identifier: Apache-2.0 */
/* Facts about a running instance: see instances.h. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

struct instance {
	pid_t pid;	 /* of the launcher */
	char *state_dir; /* absolute */
	char *name;	 /* NULL: no name */
};

/* A list that owns its items; all zero is an empty list. */
struct instances {
	struct instance *items;
	size_t n;
};

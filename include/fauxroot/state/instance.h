/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of the running instances: see instances.h. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

struct instance {
	pid_t pid;	 /* of the launcher */
	char *state_dir; /* absolute */
	char *name;	 /* NULL: it has none */
};

/* A list that it owns; all zero is an empty one. */
struct instances {
	struct instance *items;
	size_t n;
};

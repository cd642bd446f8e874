/* SPDX-License-Identifier: Apache-2.0 */
/* The name service's part in the child's network. See inside.c. */
#pragma once

#include <stdbool.h>

#include "fauxroot/names/at.h"
#include "relay.h"

struct error;
struct ns_set;

struct inside {
	struct relay_sockets sockets;
	int table; /* netlink socket that owns the table; -1: there is no table */
};

#define INSIDE_NONE ((struct inside){{{-1, -1}, {-1, -1}}, -1})

/* inside_open() - see names_listen() */
int inside_open(const struct ns_set *ns, const struct names_at *at, int cancel_fd,
		struct inside *ret, struct error *err);

/* inside_close() - close the descriptors; the table disappears. Accepts INSIDE_NONE */
void inside_close(struct inside *inside);

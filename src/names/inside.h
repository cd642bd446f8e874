/* SPDX-License-Identifier: Apache-2.0 */
/* The name service's part in the child's network. See inside.c. */
#pragma once

#include "fauxroot/names/at.h"
#include "relay.h"
#include "table.h"

struct error;
struct ns_set;

struct inside {
	struct relay_sockets sockets;
	struct table table; /* redirects port 53 to the sockets; none: they are at port 53 */
};

#define INSIDE_NONE ((struct inside){{{-1, -1}, {-1, -1}}, {.kept = KEPT_TABLE_NONE}})

/* inside_open() - as names_listen(); @ret must not move in memory until inside_close() */
int inside_open(const struct ns_set *ns, const struct names_at *at, int cancel_fd,
		struct inside *ret, struct error *err);

/* inside_close() - close the descriptors; accepts INSIDE_NONE */
void inside_close(struct inside *inside);

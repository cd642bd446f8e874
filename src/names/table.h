/* SPDX-License-Identifier: Apache-2.0 */
/* The table of nf_tables that redirects port 53 of the service's addresses to its sockets. See
 * table.c. */
#pragma once

#include <stdint.h>

#include "fauxroot/names/at.h"
#include "fauxroot/proc/kept_table.h"

struct error;

struct table {
	struct kept_table kept;
	struct names_at at;
	uint16_t port;
};

/*
 * table_make() - create the table
 * @table: must not move in memory until kept_table_close()
 * @fds: from kept_table_sockets()
 * @port: of the service's sockets
 *
 * Returns as kept_table_make().
 */
int table_make(struct table *table, const int *fds, const struct names_at *at, uint16_t port,
	       struct error *err);

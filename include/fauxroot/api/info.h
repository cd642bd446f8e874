/* SPDX-License-Identifier: Apache-2.0 */
/* The API's types and their JSON: what GET /v1/info answers and fauxrootctl info prints. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "fauxroot/base/str.h"

struct error;

#define API_VERSION "1.1.1"

/* All strings are owned. NULL: the member is absent. */
struct api_info {
	char *version;
	char *state_dir;
	pid_t child_pid;
	char *net_driver; /* absent for the host's network */
	struct strv net_dns;
	char *net_child_ip;
	bool net_dynamic_child_ip;
	char *port_driver; /* absent for none and implicit */
	struct strv port_protos;
	bool port_disallow_loopback_child_ip;
	char *port_source_ip; /* "client" or "proxy" */
};

void api_info_clear(struct api_info *info);

/* api_info_encode() - as JSON text, to be freed; NULL when out of memory */
char *api_info_encode(const struct api_info *info);

/* api_info_decode() - from what a server has sent: every member's type is checked; 0 or -EPROTO */
int api_info_decode(const char *text, size_t size, struct api_info *ret, struct error *err);

/* SPDX-License-Identifier: Apache-2.0 */
/* The API's types and their JSON: what GET /v1/info answers and fauxrootctl info prints. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "fauxroot/base/macro.h"
#include "fauxroot/base/str.h"

struct error;

#define API_VERSION "1.1.1"

/* All strings are owned. NULL: the member is absent. */
struct api_info {
	char *api_version; /* NULL on the server's side: API_VERSION */
	char *version;
	char *state_dir;
	pid_t child_pid;
	char *net_driver; /* absent for the host's network; the net_ members need it */
	struct strv net_dns;
	char *net_child_ip;
	bool net_dynamic_child_ip;
	char *port_driver; /* absent for none and implicit; the port_ members need it */
	struct strv port_protos;
	bool port_disallow_loopback_child_ip;
	char *port_source_ip; /* "client" or "proxy" */
};

/* api_info_clear() - free what @info holds; it may be filled again afterwards */
void api_info_clear(struct api_info *info);

#define _cleanup_api_info_ _cleanup_(api_info_clear)

/*
 * api_info_encode() - as JSON text
 * @indent: spaces a level, 0 for one line
 *
 * JSON is UTF-8 (RFC 8259, section 8.1): of a string that is not, the bytes beyond ASCII become
 * '?'. Returns a fresh string, NULL when out of memory.
 */
char *api_info_encode(const struct api_info *info, unsigned indent);

/*
 * api_info_decode() - from what a server has sent
 * @text: @size bytes, of anybody's making
 *
 * The type of every known member is checked, unknown members are ignored. apiVersion, version,
 * stateDir and childPID must be there. Returns 0, or -EPROTO or -ENOMEM with @ret untouched.
 */
int api_info_decode(const char *text, size_t size, struct api_info *ret, struct error *err);

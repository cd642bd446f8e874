/* SPDX-License-Identifier: Apache-2.0 */
/* The answer of GET /v1/info as a struct and as JSON; fauxrootctl info prints it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
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
	char *name; /* --name; absent without the option */
	pid_t child_pid;
	char *net_driver; /* absent for the host's network, and the other net_ members with it */
	struct strv net_dns;
	char *net_child_ip;
	bool net_dynamic_child_ip;
	char *accel_mode; /* --net-accel; absent for none, and the other accel_ members with it */
	bool accel_on;	  /* false: it could not be started, or was turned off */
	uint64_t accel_switched; /* connections that got sockets of the host */
	uint64_t accel_left;	 /* connections that the network's helper handles */
	uint64_t accel_failed;	 /* of these, connections for which no socket could be made */
	uint64_t accel_restarts; /* of the processes */
	char *port_driver; /* absent for none and implicit, and the other port_ members with it */
	struct strv port_protos;
	bool port_disallow_loopback_child_ip;
	char *port_source_ip; /* "client" or "proxy" */
};

/* api_info_clear() - free the contents of @info, which can be filled again */
void api_info_clear(struct api_info *info);

#define _cleanup_api_info_ _cleanup_(api_info_clear)

/*
 * api_info_encode() - encode as JSON text
 * @indent: spaces for each level, 0 for one line
 *
 * JSON is UTF-8 (RFC 8259, section 8.1). In a string that is not UTF-8, the bytes beyond ASCII
 * become '?'. Returns a new string, or NULL when out of memory.
 */
char *api_info_encode(const struct api_info *info, unsigned indent);

/*
 * api_info_decode() - decode the answer of a server
 * @text: @size untrusted bytes
 *
 * The type of every known member is checked, and unknown members are ignored. apiVersion, version,
 * stateDir and childPID are required. Returns 0, or -EPROTO or -ENOMEM with @ret untouched.
 */
int api_info_decode(const char *text, size_t size, struct api_info *ret, struct error *err);

/* SPDX-License-Identifier: Apache-2.0 */
/* Published ports as structs of the API, and their JSON. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "fauxroot/base/macro.h"
#include "fauxroot/config/portspec.h"

struct error;

/* What a port has relayed. */
struct api_counters {
	struct timespec since; /* when it was published; CLOCK_REALTIME */
	uint64_t connections, bytes_to_child, bytes_from_child;
};

struct api_port {
	uint32_t id;
	struct port_spec spec; /* as it was given */
	bool owned;	       /* the port is removed when the process that requested it exits */
	bool counted;	       /* .counters is known */
	struct api_counters counters;
};

/* A list, which owns its items; all zero is an empty list. */
struct api_ports {
	struct api_port *items;
	size_t n;
};

/* api_ports_add() - append @port; 0 or -ENOMEM */
int api_ports_add(struct api_ports *ports, const struct api_port *port);

/* api_ports_clear() - free the contents of @ports, which can be filled again */
void api_ports_clear(struct api_ports *ports);

#define _cleanup_api_ports_ _cleanup_(api_ports_clear)

/*
 * api_spec_encode() - a spec as one line of JSON without empty members: the body of a POST
 * @owned: add the member "owner": the port is removed when the sending process exits
 *
 * This function and the next two return a new string, or NULL when out of memory.
 */
char *api_spec_encode(const struct port_spec *spec, bool owned);

/* api_port_encode() - {"id":1,"spec":{…}}, with "owner":"peer" if the port is owned, and "counters"
 * if it is counted */
char *api_port_encode(const struct api_port *port);

/* api_ports_encode() - a JSON array of what api_port_encode() returns */
char *api_ports_encode(const struct api_ports *ports);

/*
 * api_spec_decode() - decode the spec in a client's request
 * @text: @size untrusted bytes
 * @ret_owned: true if the member owner is "peer", false if it is absent
 *
 * Types are checked, and unknown members are ignored. A null means that the member is absent, and a
 * duplicate member is an error. proto, parentPort and childPort are required. A parentPort of 0 is
 * returned as it is. The returned spec has passed portspec_check(). Returns 0, or -EINVAL or
 * -ENOMEM with the outputs untouched.
 */
int api_spec_decode(const char *text, size_t size, struct port_spec *ret, bool *ret_owned,
		    struct error *err);

/*
 * api_port_decode(), api_ports_decode() - decode a server's answer; `null` is an empty list, too
 *
 * Other servers have no counters, or other members of that name: then .counted is false. Return 0,
 * or -EPROTO or -ENOMEM with @ret untouched.
 */
int api_port_decode(const char *text, size_t size, struct api_port *ret, struct error *err);
int api_ports_decode(const char *text, size_t size, struct api_ports *ret, struct error *err);

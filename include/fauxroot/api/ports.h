/* SPDX-License-Identifier: Apache-2.0 */
/* Published ports as the API shows them, and their JSON. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fauxroot/base/macro.h"
#include "fauxroot/config/portspec.h"

struct error;

struct api_port {
	uint32_t id;
	struct port_spec spec; /* as it was given */
	bool owned;	       /* it ends with the process that has asked for it */
};

/* A list that it owns; all zero is an empty one. */
struct api_ports {
	struct api_port *items;
	size_t n;
};

/* api_ports_add() - append @port; 0 or -ENOMEM */
int api_ports_add(struct api_ports *ports, const struct api_port *port);

/* api_ports_clear() - free what @ports holds; it may be filled again afterwards */
void api_ports_clear(struct api_ports *ports);

#define _cleanup_api_ports_ _cleanup_(api_ports_clear)

/*
 * api_spec_encode() - a spec as one line of JSON, empty members left out: the body of a POST
 * @owned: with the member "owner": the port is to end with the process that sends this
 *
 * This and the two below return a fresh string, NULL when out of memory.
 */
char *api_spec_encode(const struct port_spec *spec, bool owned);

/* api_port_encode() - {"id":1,"spec":{…}}, and of one that is owned, "owner":"peer" */
char *api_port_encode(const struct api_port *port);

/* api_ports_encode() - an array of those */
char *api_ports_encode(const struct api_ports *ports);

/*
 * api_spec_decode() - the spec that a client asks for
 * @text: @size bytes, of anybody's making
 *
 * Types are checked, unknown members are ignored, a null is a member that is absent, a member that
 * stands there twice is an error. proto, parentPort and childPort must be there; a parentPort of 0
 * is for the caller to understand. What is returned has passed portspec_check(). The member owner
 * is "peer" or absent: @ret_owned. Returns 0, or -EINVAL or -ENOMEM with the outputs untouched.
 */
int api_spec_decode(const char *text, size_t size, struct port_spec *ret, bool *ret_owned,
		    struct error *err);

/* api_port_decode(), api_ports_decode() - what a server has answered; `null` is an empty list, too.
 * 0, -EPROTO or -ENOMEM with @ret untouched */
int api_port_decode(const char *text, size_t size, struct api_port *ret, struct error *err);
int api_ports_decode(const char *text, size_t size, struct api_ports *ret, struct error *err);

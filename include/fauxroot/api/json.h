/* SPDX-License-Identifier: Apache-2.0 */
/* Helpers for writing JSON with jansson. */
#pragma once

#include "fauxroot/base/json.h"

/*
 * api_json_string() - @s as a JSON string
 *
 * jansson accepts only UTF-8, but a path may contain any bytes: if @s is not UTF-8, each byte
 * beyond ASCII becomes '?'. Returns NULL when out of memory.
 */
json_t *api_json_string(const char *s);

/* api_port_json() - what api_port_encode() (ports.h) prints, as a value; NULL when out of memory */
struct api_port;
json_t *api_port_json(const struct api_port *port);

/* api_json_message() - {"message": @text}, the body of every error. Returns a new string, or NULL
 * when out of memory. */
char *api_json_message(const char *text);

/* SPDX-License-Identifier: Apache-2.0 */
/* What those who write JSON share on top of jansson. */
#pragma once

#include "fauxroot/base/json.h"

/*
 * api_json_string() - @s as a JSON string
 *
 * jansson takes UTF-8 only, but a path may hold any bytes: where @s is not UTF-8, each byte beyond
 * ASCII becomes '?'. NULL when out of memory.
 */
json_t *api_json_string(const char *s);

/* api_json_message() - {"message": @text}, the body of every error; fresh, NULL when out of memory
 */
char *api_json_message(const char *text);

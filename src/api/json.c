/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/api/json.h"

#include <string.h>

json_t *api_json_string(const char *s)
{
	_cleanup_free_ char *ascii = NULL;
	json_t *value = json_string(s);

	if (value)
		return value;
	ascii = strdup(s);
	if (!ascii)
		return NULL;
	for (char *at = ascii; *at; at++)
		if ((unsigned char)*at >= 0x80)
			*at = '?';
	return json_string(ascii);
}

char *api_json_message(const char *text)
{
	_cleanup_json_ json_t *root = json_object();

	if (json_object_set_new(root, "message", api_json_string(text)) < 0)
		return NULL;
	return json_dumps(root, JSON_COMPACT);
}

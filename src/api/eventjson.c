/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdlib.h>

#include "fauxroot/api/events.h"
#include "fauxroot/api/info.h"
#include "fauxroot/api/json.h"
#include "fauxroot/api/ports.h"
#include "fauxroot/base/str.h"
#include "snapshot.h"
#include "timestamp.h"

static const char *const names[] = {
	[API_EVENT_PUBLISHED] = "published",
	[API_EVENT_REMOVED] = "removed",
	[API_EVENT_HOST_PORT_ADDED] = "host-port-added",
	[API_EVENT_HOST_PORT_REMOVED] = "host-port-removed",
	[API_EVENT_HELPER_DIED] = "helper-died",
	[API_EVENT_HELPER_RESTARTED] = "helper-restarted",
	[API_EVENT_NETWORK_DOWN] = "network-down",
	[API_EVENT_NETWORK_UP] = "network-up",
	[API_EVENT_NAMES_CHANGED] = "names-changed",
	[API_EVENT_EXIT] = "exit",
};
static_assert(ARRAY_SIZE(names) == API_EVENT_COUNT_, "every event has a name");

/* Returns an object with the members that all events have, or NULL. */
static json_t *begin(const char *name)
{
	char text[API_TIME_SIZE];
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	api_time_format(&now, text);
	return json_pack("{s:s, s:s}", "time", text, "event", name);
}

/* Returns the line of @object, or NULL. */
static char *end(const json_t *object)
{
	_cleanup_free_ char *text = json_dumps(object, JSON_COMPACT);

	return text ? str_format("%s\n", text) : NULL;
}

static json_t *list(const struct strv *v)
{
	_cleanup_json_ json_t *array = json_array();

	for (size_t i = 0; v && i < v->n; i++)
		if (json_array_append_new(array, api_json_string(v->items[i])) < 0)
			return NULL;
	return TAKE_PTR(array);
}

char *api_event_encode(const struct api_event *event)
{
	_cleanup_json_ json_t *object = begin(names[event->type]);
	int rc = 0;

	if (event->port)
		rc |= json_object_set_new(object, "port", api_port_json(event->port));
	if (event->helper)
		rc |= json_object_set_new(object, "helper", api_json_string(event->helper));
	if (event->type == API_EVENT_NAMES_CHANGED)
		rc |= json_object_set_new(object, "dns", list(event->dns));
	if (event->type == API_EVENT_EXIT)
		rc |= json_object_set_new(object, "status", json_integer(event->status));
	if (event->reason)
		rc |= json_object_set_new(object, "reason", api_json_string(event->reason));
	return rc == 0 ? end(object) : NULL;
}

char *snapshot_encode(const struct api_info *info, const struct api_ports *ports, bool network_up)
{
	_cleanup_json_ json_t *object = begin("snapshot");
	_cleanup_free_ char *info_text = api_info_encode(info, 0);
	_cleanup_json_ json_t *array = json_array();
	int rc = 0;

	if (!info_text)
		return NULL;
	for (size_t i = 0; i < ports->n; i++)
		rc |= json_array_append_new(array, api_port_json(&ports->items[i]));
	rc |= json_object_set_new(object, "info", json_loads(info_text, 0, NULL));
	rc |= json_object_set_new(object, "networkUp", json_boolean(network_up));
	rc |= json_object_set(object, "ports", array);
	return rc == 0 ? end(object) : NULL;
}

char *snapshot_dropped(void)
{
	_cleanup_json_ json_t *object = begin("dropped");

	return json_object_set_new(object, "reason", json_string("this client reads too slowly")) <
			       0
		       ? NULL
		       : end(object);
}

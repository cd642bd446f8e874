/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/api/ports.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fauxroot/api/json.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"
#include "timestamp.h"

/* The only possible owner: the process at the other end of the connection. */
#define OWNER_PEER "peer"

void api_ports_clear(struct api_ports *ports)
{
	free(ports->items);
	*ports = (struct api_ports){NULL, 0};
}

int api_ports_add(struct api_ports *ports, const struct api_port *port)
{
	struct api_port *items = reallocarray(ports->items, ports->n + 1, sizeof(ports->items[0]));

	if (!items)
		return -ENOMEM;
	items[ports->n++] = *port;
	ports->items = items;
	return 0;
}

/*
 * Encoding. When out of memory a value is NULL, and json_object_set_new() and
 * json_array_append_new() fail for it. The functions return such a failure as NULL.
 */

static int put_text(json_t *object, const char *key, const char *text)
{
	return *text ? json_object_set_new(object, key, json_string(text)) : 0;
}

static int put_owner(json_t *object, bool owned)
{
	return owned ? json_object_set_new(object, "owner", json_string(OWNER_PEER)) : 0;
}

static json_t *spec_json(const struct port_spec *spec)
{
	_cleanup_json_ json_t *object = json_object();

	if (json_object_set_new(object, "proto", json_string(portspec_proto_name(spec->proto))) < 0)
		return NULL;
	if (put_text(object, "parentIP", spec->parent_ip) < 0)
		return NULL;
	if (put_text(object, "hostPath", spec->host_path) < 0)
		return NULL;
	/* Port 0 is a request for any port; a path needs none. */
	if ((!spec->host_path[0] || spec->parent_port != 0) &&
	    json_object_set_new(object, "parentPort", json_integer(spec->parent_port)) < 0)
		return NULL;
	if (put_text(object, "childIP", spec->child_ip) < 0)
		return NULL;
	if (json_object_set_new(object, "childPort", json_integer(spec->child_port)) < 0)
		return NULL;
	return TAKE_PTR(object);
}

/* Numbers beyond a JSON integer of jansson cannot be real. */
static json_t *number(uint64_t n)
{
	return json_integer((json_int_t)MIN(n, (uint64_t)INT64_MAX));
}

static int put_counters(json_t *object, const struct api_port *port)
{
	const struct api_counters *counters = &port->counters;
	char since[API_TIME_SIZE];

	if (!port->counted)
		return 0;
	api_time_format(&counters->since, since);
	return json_object_set_new(object, "counters",
				   json_pack("{s:s, s:o, s:o, s:o}", "since", since, "connections",
					     number(counters->connections), "bytesToChild",
					     number(counters->bytes_to_child), "bytesFromChild",
					     number(counters->bytes_from_child)));
}

json_t *api_port_json(const struct api_port *port)
{
	_cleanup_json_ json_t *object = json_object();

	if (json_object_set_new(object, "id", json_integer(port->id)) < 0)
		return NULL;
	if (json_object_set_new(object, "spec", spec_json(&port->spec)) < 0)
		return NULL;
	if (put_owner(object, port->owned) < 0 || put_counters(object, port) < 0)
		return NULL;
	return TAKE_PTR(object);
}

char *api_spec_encode(const struct port_spec *spec, bool owned)
{
	_cleanup_json_ json_t *root = spec_json(spec);

	return root && put_owner(root, owned) == 0 ? json_dumps(root, JSON_COMPACT) : NULL;
}

char *api_port_encode(const struct api_port *port)
{
	_cleanup_json_ json_t *root = api_port_json(port);

	return root ? json_dumps(root, JSON_COMPACT) : NULL;
}

char *api_ports_encode(const struct api_ports *ports)
{
	_cleanup_json_ json_t *root = json_array();

	for (size_t i = 0; i < ports->n; i++)
		if (json_array_append_new(root, api_port_json(&ports->items[i])) < 0)
			return NULL;
	return root ? json_dumps(root, JSON_COMPACT) : NULL;
}

/*
 * Decoding. The messages are for the author of the JSON, so they name its members.
 */

/* The member @key; NULL if it is absent or null. Go's decoder treats both alike. */
static const json_t *member(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_null(value) ? NULL : value;
}

static int take_proto(const json_t *spec, enum port_proto *ret, struct error *err)
{
	const json_t *value = member(spec, "proto");

	if (!value)
		return err_say(err, EINVAL, "the member \"proto\" is missing");
	if (!json_is_string(value) || portspec_proto(json_string_value(value), ret) < 0)
		return err_say(err, EINVAL,
			       "\"proto\" is not one of \"tcp\", \"tcp4\", \"tcp6\", \"udp\", "
			       "\"udp4\", \"udp6\"");
	return 0;
}

static int take_ip(const json_t *spec, const char *key, char ret[INET6_ADDRSTRLEN],
		   struct error *err)
{
	const json_t *value = member(spec, key);

	if (!value)
		return 0;
	if (!json_is_string(value))
		return err_say(err, EINVAL, "\"%s\" is not a string", key);
	if (str_print(ret, INET6_ADDRSTRLEN, "%s", json_string_value(value)) < 0)
		return err_say(err, EINVAL, "\"%s\" is too long for an IP address", key);
	return 0;
}

static int take_path(const json_t *spec, const char *key, char ret[PORTSPEC_PATH_SIZE],
		     struct error *err)
{
	const json_t *value = member(spec, key);

	if (!value)
		return 0;
	if (!json_is_string(value) || json_string_length(value) == 0)
		return err_say(err, EINVAL, "\"%s\" is not a path", key);
	if (json_string_length(value) != strlen(json_string_value(value)) ||
	    str_print(ret, PORTSPEC_PATH_SIZE, "%s", json_string_value(value)) < 0)
		return err_say(err, EINVAL, "\"%s\" is longer than %d bytes, or has a NUL", key,
			       PORTSPEC_PATH_SIZE - 1);
	return 0;
}

static int take_port(const json_t *spec, const char *key, json_int_t least, uint16_t *ret,
		     struct error *err)
{
	const json_t *value = member(spec, key);

	if (!value)
		return err_say(err, EINVAL, "the member \"%s\" is missing", key);
	if (!json_is_integer(value))
		return err_say(err, EINVAL, "\"%s\" is not an integer", key);
	if (json_integer_value(value) < least || json_integer_value(value) > UINT16_MAX)
		return err_say(err, EINVAL, "\"%s\" is not one of %d-65535", key, (int)least);
	*ret = (uint16_t)json_integer_value(value);
	return 0;
}

static int take_spec(const json_t *object, struct port_spec *ret, struct error *err)
{
	struct port_spec spec = {.proto = PROTO_TCP};
	int rc;

	if (!json_is_object(object))
		return err_say(err, EINVAL, "the port spec is not a JSON object");
	rc = take_proto(object, &spec.proto, err);
	if (rc == 0)
		rc = take_ip(object, "parentIP", spec.parent_ip, err);
	if (rc == 0)
		rc = take_path(object, "hostPath", spec.host_path, err);
	if (rc == 0 && (!spec.host_path[0] || member(object, "parentPort")))
		rc = take_port(object, "parentPort", 0, &spec.parent_port, err);
	if (rc == 0)
		rc = take_ip(object, "childIP", spec.child_ip, err);
	if (rc == 0)
		rc = take_port(object, "childPort", 1, &spec.child_port, err);
	if (rc == 0)
		rc = portspec_check(&spec, err);
	if (rc == 0)
		*ret = spec;
	return rc;
}

static int take_owner(const json_t *object, bool *ret, struct error *err)
{
	const json_t *value = member(object, "owner");

	if (value && (!json_is_string(value) || !streq(json_string_value(value), OWNER_PEER)))
		return err_say(err, EINVAL, "\"owner\" is not \"" OWNER_PEER "\"");
	*ret = value;
	return 0;
}

/* jansson limits the depth of nesting (JSON_PARSER_MAX_DEPTH: 2048) and refuses trailing text. */
static int load(const char *text, size_t size, const char *what, int code, json_t **ret,
		struct error *err)
{
	json_error_t where;

	*ret = json_loadb(text, size, JSON_REJECT_DUPLICATES, &where);
	if (*ret)
		return 0;
	if (json_error_code(&where) == json_error_out_of_memory)
		return err_set(err, ENOMEM, "reading %s", what);
	return err_say(err, code, "%s is not JSON: %s (line %d, column %d)", what, where.text,
		       where.line, where.column);
}

int api_spec_decode(const char *text, size_t size, struct port_spec *ret, bool *ret_owned,
		    struct error *err)
{
	_cleanup_json_ json_t *root = NULL;
	bool owned = false;
	int rc = load(text, size, "the request's body", EINVAL, &root, err);

	if (rc == 0)
		rc = take_owner(root, &owned, err);
	if (rc == 0)
		rc = take_spec(root, ret, err);
	if (rc == 0)
		*ret_owned = owned;
	return rc;
}

static bool take_number(const json_t *object, const char *key, uint64_t *ret)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return false;
	*ret = (uint64_t)json_integer_value(value);
	return true;
}

static bool take_counters(const json_t *object, struct api_counters *ret)
{
	const char *since = json_string_value(json_object_get(object, "since"));

	return since && api_time_parse(since, &ret->since) == 0 &&
	       take_number(object, "connections", &ret->connections) &&
	       take_number(object, "bytesToChild", &ret->bytes_to_child) &&
	       take_number(object, "bytesFromChild", &ret->bytes_from_child);
}

static int take_answer(const json_t *object, struct api_port *ret, struct error *err)
{
	const json_t *id = json_object_get(object, "id");
	struct api_port port = {.id = 0};

	if (!json_is_integer(id) || json_integer_value(id) < 1 ||
	    json_integer_value(id) > UINT32_MAX)
		return err_say(err, EPROTO, "the answer's member \"id\" is not the id of a port");
	port.id = (uint32_t)json_integer_value(id);
	if (take_spec(json_object_get(object, "spec"), &port.spec, err) < 0)
		return err_wrap(err, -EPROTO, "the answer's port %u", port.id);
	/* A later server may have other kinds of owners: ignore them. */
	port.owned = take_owner(object, &port.owned, NULL) == 0 && port.owned;
	port.counted = take_counters(json_object_get(object, "counters"), &port.counters);
	*ret = port;
	return 0;
}

int api_port_decode(const char *text, size_t size, struct api_port *ret, struct error *err)
{
	_cleanup_json_ json_t *root = NULL;
	int rc = load(text, size, "the answer", EPROTO, &root, err);

	return rc < 0 ? rc : take_answer(root, ret, err);
}

/* RootlessKit answers null for a list that has become empty. */
static bool is_null(const char *text, size_t size)
{
	struct cursor c = cursor_of_n(text, size);

	return cursor_word(&c, "null") && (cursor_char(&c, '\n'), cursor_at_end(&c));
}

int api_ports_decode(const char *text, size_t size, struct api_ports *ret, struct error *err)
{
	_cleanup_api_ports_ struct api_ports ports = {NULL, 0};
	_cleanup_json_ json_t *root = NULL;
	int rc;

	if (is_null(text, size)) {
		*ret = ports;
		return 0;
	}
	rc = load(text, size, "the answer", EPROTO, &root, err);
	if (rc < 0)
		return rc;
	if (!json_is_array(root))
		return err_say(err, EPROTO, "the answer is not a JSON array");
	for (size_t i = 0; i < json_array_size(root); i++) {
		struct api_port port;

		rc = take_answer(json_array_get(root, i), &port, err);
		if (rc < 0)
			return rc;
		if (api_ports_add(&ports, &port) < 0)
			return err_set(err, ENOMEM, "reading the answer");
	}
	*ret = ports;
	ports = (struct api_ports){NULL, 0};
	return 0;
}

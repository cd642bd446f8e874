/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/api/info.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>

#include "fauxroot/api/json.h"
#include "fauxroot/base/err.h"

void api_info_clear(struct api_info *info)
{
	free(info->api_version);
	free(info->version);
	free(info->state_dir);
	free(info->name);
	free(info->net_driver);
	strv_clear(&info->net_dns);
	free(info->net_child_ip);
	free(info->accel_mode);
	free(info->port_driver);
	strv_clear(&info->port_protos);
	free(info->port_source_ip);
	*info = (struct api_info){.child_pid = 0};
}

/*
 * Encoding. When out of memory a json_t is NULL, and json_object_set_new() and
 * json_array_append_new() fail for it. Every function returns such a failure as a negative number.
 */

static int put_string(json_t *object, const char *key, const char *s)
{
	return s ? json_object_set_new(object, key, api_json_string(s)) : 0;
}

static int put_true(json_t *object, const char *key, bool value)
{
	return value ? json_object_set_new(object, key, json_true()) : 0;
}

static int put_strv(json_t *object, const char *key, const struct strv *v)
{
	_cleanup_json_ json_t *array = json_array();

	for (size_t i = 0; i < v->n; i++)
		if (json_array_append_new(array, api_json_string(v->items[i])) < 0)
			return -1;
	return json_object_set(object, key, array);
}

static int put_count(json_t *object, const char *key, uint64_t value)
{
	return json_object_set_new(object, key, json_integer((json_int_t)MIN(value, INT64_MAX)));
}

static int put_accel(json_t *net, const struct api_info *info)
{
	_cleanup_json_ json_t *accel = NULL;

	if (!info->accel_mode)
		return 0;
	accel = json_object();
	if (put_string(accel, "mode", info->accel_mode) < 0)
		return -1;
	if (json_object_set_new(accel, "on", json_boolean(info->accel_on)) < 0)
		return -1;
	if (put_count(accel, "switched", info->accel_switched) < 0 ||
	    put_count(accel, "leftAlone", info->accel_left) < 0 ||
	    put_count(accel, "failed", info->accel_failed) < 0 ||
	    put_count(accel, "restarts", info->accel_restarts) < 0)
		return -1;
	return json_object_set(net, "accel", accel);
}

static int put_net(json_t *root, const struct api_info *info)
{
	_cleanup_json_ json_t *net = NULL;

	if (!info->net_driver)
		return 0;
	net = json_object();
	if (put_string(net, "driver", info->net_driver) < 0)
		return -1;
	if (info->net_dns.n > 0 && put_strv(net, "dns", &info->net_dns) < 0)
		return -1;
	if (put_string(net, "childIP", info->net_child_ip) < 0)
		return -1;
	if (put_true(net, "dynamicChildIP", info->net_dynamic_child_ip) < 0)
		return -1;
	if (put_accel(net, info) < 0)
		return -1;
	return json_object_set(root, "networkDriver", net);
}

static int put_port(json_t *root, const struct api_info *info)
{
	_cleanup_json_ json_t *port = NULL;

	if (!info->port_driver)
		return 0;
	port = json_object();
	if (put_string(port, "driver", info->port_driver) < 0)
		return -1;
	if (put_strv(port, "protos", &info->port_protos) < 0)
		return -1;
	if (put_true(port, "disallowLoopbackChildIP", info->port_disallow_loopback_child_ip) < 0)
		return -1;
	if (put_string(port, "sourceIP", info->port_source_ip) < 0)
		return -1;
	return json_object_set(root, "portDriver", port);
}

char *api_info_encode(const struct api_info *info, unsigned indent)
{
	_cleanup_json_ json_t *root = json_object();

	if (put_string(root, "apiVersion", info->api_version ? info->api_version : API_VERSION) < 0)
		return NULL;
	if (put_string(root, "version", info->version) < 0)
		return NULL;
	if (put_string(root, "stateDir", info->state_dir) < 0)
		return NULL;
	if (put_string(root, "name", info->name) < 0)
		return NULL;
	if (json_object_set_new(root, "childPID", json_integer(info->child_pid)) < 0)
		return NULL;
	if (put_net(root, info) < 0 || put_port(root, info) < 0)
		return NULL;
	return json_dumps(root, indent > 0 ? JSON_INDENT(indent) : JSON_COMPACT);
}

/*
 * Decoding. @where is the path of the enclosing object, for messages: "" or "networkDriver.".
 */

static int wrong_type(const char *where, const char *key, const char *wanted, struct error *err)
{
	return err_say(err, EPROTO, "the answer's member \"%s%s\" is not %s", where, key, wanted);
}

static int missing(const char *where, const char *key, struct error *err)
{
	return err_say(err, EPROTO, "the answer lacks the member \"%s%s\"", where, key);
}

static int take_string(const json_t *object, const char *where, const char *key, bool required,
		       char **ret, struct error *err)
{
	const json_t *value = json_object_get(object, key);

	if (!value)
		return required ? missing(where, key, err) : 0;
	if (!json_is_string(value))
		return wrong_type(where, key, "a string", err);
	*ret = strdup(json_string_value(value));
	return *ret ? 0 : err_set(err, ENOMEM, "reading the answer");
}

static int take_bool(const json_t *object, const char *where, const char *key, bool *ret,
		     struct error *err)
{
	const json_t *value = json_object_get(object, key);

	if (!value)
		return 0;
	if (!json_is_boolean(value))
		return wrong_type(where, key, "a boolean", err);
	*ret = json_is_true(value);
	return 0;
}

static int take_strv(const json_t *object, const char *where, const char *key, struct strv *ret,
		     struct error *err)
{
	const json_t *array = json_object_get(object, key), *value;
	size_t i;

	if (!array)
		return 0;
	if (!json_is_array(array))
		return wrong_type(where, key, "an array of strings", err);
	json_array_foreach(array, i, value)
	{
		if (!json_is_string(value))
			return wrong_type(where, key, "an array of strings", err);
		if (strv_add(ret, json_string_value(value)) < 0)
			return err_set(err, ENOMEM, "reading the answer");
	}
	return 0;
}

static int take_pid(const json_t *object, const char *key, pid_t *ret, struct error *err)
{
	const json_t *value = json_object_get(object, key);

	if (!value)
		return missing("", key, err);
	if (!json_is_integer(value) || json_integer_value(value) < 1 ||
	    json_integer_value(value) > INT_MAX)
		return wrong_type("", key, "a process ID", err);
	*ret = (pid_t)json_integer_value(value);
	return 0;
}

/* A driver's object; NULL if it is absent or "null", as in other implementations. */
static int take_object(const json_t *root, const char *key, const json_t **ret, struct error *err)
{
	const json_t *value = json_object_get(root, key);

	if (json_is_null(value))
		value = NULL;
	if (value && !json_is_object(value))
		return wrong_type("", key, "an object", err);
	*ret = value;
	return 0;
}

static int take_count(const json_t *object, const char *where, const char *key, uint64_t *ret,
		      struct error *err)
{
	const json_t *value = json_object_get(object, key);

	if (!value)
		return 0;
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return wrong_type(where, key, "a count", err);
	*ret = (uint64_t)json_integer_value(value);
	return 0;
}

static int take_accel(const json_t *net, struct api_info *info, struct error *err)
{
	static const char where[] = "networkDriver.accel.";
	const json_t *accel = json_object_get(net, "accel");
	int rc;

	if (!accel || json_is_null(accel))
		return 0;
	if (!json_is_object(accel))
		return wrong_type("networkDriver.", "accel", "an object", err);
	rc = take_string(accel, where, "mode", true, &info->accel_mode, err);
	if (rc == 0)
		rc = take_bool(accel, where, "on", &info->accel_on, err);
	if (rc == 0)
		rc = take_count(accel, where, "switched", &info->accel_switched, err);
	if (rc == 0)
		rc = take_count(accel, where, "leftAlone", &info->accel_left, err);
	if (rc == 0)
		rc = take_count(accel, where, "failed", &info->accel_failed, err);
	if (rc == 0)
		rc = take_count(accel, where, "restarts", &info->accel_restarts, err);
	return rc;
}

static int take_net(const json_t *root, struct api_info *info, struct error *err)
{
	static const char where[] = "networkDriver.";
	const json_t *net = NULL;
	int rc = take_object(root, "networkDriver", &net, err);

	if (rc < 0 || !net)
		return rc;
	rc = take_string(net, where, "driver", true, &info->net_driver, err);
	if (rc == 0)
		rc = take_strv(net, where, "dns", &info->net_dns, err);
	if (rc == 0)
		rc = take_string(net, where, "childIP", false, &info->net_child_ip, err);
	if (rc == 0)
		rc = take_bool(net, where, "dynamicChildIP", &info->net_dynamic_child_ip, err);
	if (rc == 0)
		rc = take_accel(net, info, err);
	return rc;
}

static int take_port(const json_t *root, struct api_info *info, struct error *err)
{
	static const char where[] = "portDriver.";
	const json_t *port = NULL;
	int rc = take_object(root, "portDriver", &port, err);

	if (rc < 0 || !port)
		return rc;
	rc = take_string(port, where, "driver", true, &info->port_driver, err);
	if (rc == 0)
		rc = take_strv(port, where, "protos", &info->port_protos, err);
	if (rc == 0)
		rc = take_bool(port, where, "disallowLoopbackChildIP",
			       &info->port_disallow_loopback_child_ip, err);
	if (rc == 0)
		rc = take_string(port, where, "sourceIP", false, &info->port_source_ip, err);
	return rc;
}

int api_info_decode(const char *text, size_t size, struct api_info *ret, struct error *err)
{
	_cleanup_api_info_ struct api_info info = {.child_pid = 0};
	_cleanup_json_ json_t *root = NULL;
	json_error_t where;
	int rc;

	root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &where);
	if (!root)
		return err_say(err, EPROTO, "the answer is not JSON: %s (line %d, column %d)",
			       where.text, where.line, where.column);
	if (!json_is_object(root))
		return err_say(err, EPROTO, "the answer is not a JSON object");
	rc = take_string(root, "", "apiVersion", true, &info.api_version, err);
	if (rc == 0)
		rc = take_string(root, "", "version", true, &info.version, err);
	if (rc == 0)
		rc = take_string(root, "", "stateDir", true, &info.state_dir, err);
	if (rc == 0)
		rc = take_string(root, "", "name", false, &info.name, err);
	if (rc == 0)
		rc = take_pid(root, "childPID", &info.child_pid, err);
	if (rc == 0)
		rc = take_net(root, &info, err);
	if (rc == 0)
		rc = take_port(root, &info, err);
	if (rc < 0)
		return rc;
	*ret = info;
	info = (struct api_info){.child_pid = 0};
	return 0;
}

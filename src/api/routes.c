/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The routes of the REST API: one row a method and path. A handler answers with a status and a
 * body; everything that is wrong is answered by refuse(), so an error is {"message": …} everywhere.
 */
#include "routes.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include "fauxroot/api/info.h"
#include "fauxroot/api/json.h"
#include "fauxroot/api/ports.h"
#include "fauxroot/api/server.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"

struct route {
	const char *method;
	const char *path; /* a component in braces stands for any one component that is not empty */
	void (*handle)(const struct api_ops *ops, void *arg, const struct api_request *request,
		       struct api_response *ret);
};

static void _printf_(3, 4) refuse(struct api_response *ret, int status, const char *fmt, ...)
{
	char text[1280];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	ret->status = status;
	ret->body = api_json_message(text);
}

static void get_info(const struct api_ops *ops, void *arg, const struct api_request *request,
		     struct api_response *ret)
{
	_cleanup_api_info_ struct api_info info = {.child_pid = 0};
	struct error err = {.code = 0};

	(void)request;
	if (ops->info(arg, &info, &err) < 0) {
		refuse(ret, 500, "%s", err.text);
		return;
	}
	ret->status = 200;
	ret->body = api_info_encode(&info, 0);
}

/*
 * Ports. Without a port driver each of these is answered with 400, whatever it says.
 */

static void refuse_without_driver(struct api_response *ret)
{
	refuse(ret, 400, "no port driver is available");
}

static int status_of(int rc)
{
	switch (-rc) {
	case EADDRINUSE:
		return 409;
	case EINVAL:
	case ENOENT:
	case EOPNOTSUPP:
	case EACCES:
	case EPERM:
	case EADDRNOTAVAIL:
	case EAFNOSUPPORT:
		return 400;
	default:
		return 500;
	}
}

static void list_ports(const struct api_ops *ops, void *arg, const struct api_request *request,
		       struct api_response *ret)
{
	_cleanup_api_ports_ struct api_ports ports = {NULL, 0};
	struct error err = {.code = 0};
	int rc;

	(void)request;
	if (!ops->list_ports) {
		refuse_without_driver(ret);
		return;
	}
	rc = ops->list_ports(arg, &ports, &err);
	if (rc < 0) {
		refuse(ret, status_of(rc), "%s", err.text);
		return;
	}
	ret->status = 200;
	ret->body = api_ports_encode(&ports);
}

static void add_port(const struct api_ops *ops, void *arg, const struct api_request *request,
		     struct api_response *ret)
{
	struct error err = {.code = 0};
	struct port_spec spec;
	struct api_port port;
	int rc;

	if (!ops->add_port) {
		refuse_without_driver(ret);
		return;
	}
	rc = api_spec_decode(request->body ? request->body : "", request->size, &spec, &err);
	if (rc == 0)
		rc = ops->add_port(arg, &spec, &port, &err);
	if (rc < 0) {
		refuse(ret, status_of(rc), "%s", err.text);
		return;
	}
	ret->status = 201;
	ret->body = api_port_encode(&port);
}

static void remove_port(const struct api_ops *ops, void *arg, const struct api_request *request,
			struct api_response *ret)
{
	const char *id_text = strrchr(request->path, '/') + 1;
	struct error err = {.code = 0};
	uint32_t id;
	int rc;

	if (!ops->remove_port) {
		refuse_without_driver(ret);
		return;
	}
	if (parse_u32(id_text, UINT32_MAX, &id) < 0) {
		refuse(ret, 400, "\"%.64s\" is not the id of a port", id_text);
		return;
	}
	rc = ops->remove_port(arg, id, &err);
	if (rc < 0) {
		refuse(ret, status_of(rc), "%s", err.text);
		return;
	}
	ret->status = 200;
	ret->body = strdup("");
}

static const struct route routes[] = {
	{"GET", "/v1/info", get_info},
	{"GET", "/v1/ports", list_ports},
	{"POST", "/v1/ports", add_port},
	{"DELETE", "/v1/ports/{id}", remove_port},
};

static bool path_matches(const char *pattern, const char *path)
{
	struct cursor want = cursor_of(pattern), have = cursor_of(path);

	while (cursor_char(&want, '/')) {
		const char *want_text, *have_text;
		size_t want_n, have_n;

		if (!cursor_char(&have, '/'))
			return false;
		cursor_until(&want, "/", &want_text, &want_n);
		cursor_until(&have, "/", &have_text, &have_n);
		if (*want_text == '{'
			    ? have_n == 0
			    : have_n != want_n || memcmp(have_text, want_text, want_n) != 0)
			return false;
	}
	return cursor_at_end(&have);
}

/* RFC 9110, section 15.5.6: a 405 names the methods that there are. */
static void add_allowed(struct api_response *ret, const char *method)
{
	size_t used = strlen(ret->allow);

	(void)str_print(ret->allow + used, sizeof(ret->allow) - used, "%s%s", used > 0 ? ", " : "",
			method);
}

void api_route(const struct api_ops *ops, void *arg, const struct api_request *request,
	       struct api_response *ret)
{
	const char *path = request->path ? request->path : "";

	*ret = (struct api_response){.status = 404};
	for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
		const struct route *route = &routes[i];

		if (!path_matches(route->path, path))
			continue;
		if (streq(route->method, request->method)) {
			ret->allow[0] = '\0';
			route->handle(ops, arg, request, ret);
			return;
		}
		add_allowed(ret, route->method);
	}
	if (ret->allow[0] != '\0')
		refuse(ret, 405, "method %s is not allowed here", request->method);
	else
		refuse(ret, 404, "no such path: %.256s", path);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The routes of the REST API: one row for each method and path. A handler answers with a status and
 * a body. refuse() answers all failed requests, so the body of an error is always {"message": …}.
 */
#include "routes.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include "fauxroot/api/info.h"
#include "fauxroot/api/json.h"
#include "fauxroot/api/ops.h"
#include "fauxroot/api/ports.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"
#include "fauxroot/sys/peer.h"
#include "fauxroot/sys/portstart.h"
#include "events.h"
#include "inside.h"
#include "owners.h"
#include "snapshot.h"

struct route {
	const char *method;
	const char
		*path; /* a component in braces matches any single component, except an empty one */
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
 * Ports. Without a port driver each request is answered with 400.
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

/* Answer with the reason of the failure, or wait if the result is not known yet. */
static void refuse_or_wait(struct api_response *ret, int rc, const struct error *err)
{
	if (rc == -EINPROGRESS)
		ret->later = true;
	else
		refuse(ret, status_of(rc), "%s", err->text);
}

/* Remove ports of exited owners first, so that the list does not have them. */
static void list_ports(const struct api_ops *ops, void *arg, const struct api_request *request,
		       struct api_response *ret)
{
	_cleanup_api_ports_ struct api_ports ports = {NULL, 0};
	struct error err = {.code = 0};
	int rc;

	if (!ops->list_ports) {
		refuse_without_driver(ret);
		return;
	}
	owners_check(request->owners);
	rc = ops->list_ports(arg, &ports, &err);
	if (rc < 0) {
		refuse(ret, status_of(rc), "%s", err.text);
		return;
	}
	for (size_t i = 0; i < ports.n; i++)
		ports.items[i].owned = owners_has(request->owners, ports.items[i].id);
	ret->status = 200;
	ret->body = api_ports_encode(&ports);
}

static void get_events(const struct api_ops *ops, void *arg, const struct api_request *request,
		       struct api_response *ret)
{
	_cleanup_api_info_ struct api_info info = {.child_pid = 0};
	_cleanup_api_ports_ struct api_ports ports = {NULL, 0};
	struct error err = {.code = 0};

	if (!events_has_room(request->events)) {
		refuse(ret, 503, "this instance has as many clients of /v1/events as it can serve");
		return;
	}
	owners_check(request->owners);
	if (ops->info(arg, &info, &err) < 0) {
		refuse(ret, 500, "%s", err.text);
		return;
	}
	/* Without a port driver there are no ports. */
	if (ops->list_ports)
		(void)ops->list_ports(arg, &ports, &err);
	for (size_t i = 0; i < ports.n; i++)
		ports.items[i].owned = owners_has(request->owners, ports.items[i].id);
	ret->status = 200;
	ret->stream = true;
	ret->body = snapshot_encode(&info, &ports, !ops->network_is_up || ops->network_is_up(arg));
}

/* Does the policy for clients inside allow @spec? If not, refuse the request. */
static bool may_publish(const struct api_ops *ops, void *arg, const struct api_request *request,
			const struct port_spec *spec, struct api_response *ret)
{
	if (!request->inside || inside_may_publish(ops->inside(arg), spec))
		return true;
	refuse(ret, 403,
	       "this instance does not allow its command to add or remove port %u "
	       "(--api-inside=unprivileged): ports below %u are privileged",
	       spec->parent_port, unprivileged_port_start());
	return false;
}

/* Has the client closed its connection? Half of it may be closed: then it still waits. */
static bool has_gone(int sock)
{
	struct pollfd poll_fd = {.fd = sock};

	return poll(&poll_fd, 1, 0) > 0 && (poll_fd.revents & (POLLHUP | POLLERR));
}

/*
 * Publish @spec; if it is @owned, until the client exits. Open the client's pidfd first: without a
 * descriptor for it, the port would outlive the client.
 */
static int publish(const struct api_ops *ops, void *arg, const struct api_request *request,
		   const struct port_spec *spec, bool owned, struct api_port *ret,
		   struct error *err)
{
	_cleanup_peer_ struct peer owner = PEER_NONE;
	int rc = owned ? peer_open(request->sock, PEER_CONNECTED, &owner) : 0;

	/* A client that has gone would not get the id. */
	if (has_gone(request->sock))
		return err_say(err, ECANCELED, "the client has gone");
	if (rc < 0)
		return err_set(err, -rc, "finding the process that owns the port");
	rc = ops->add_port(arg, spec, ret, err);
	if (rc < 0 || !owned)
		return rc;
	ret->owned = true;
	rc = owners_watch(request->owners, ret->id, TAKE_FD(owner.process.pidfd));
	if (rc == 0)
		return 0;
	ops->abandon_port(arg, ret->id);
	return err_set(err, -rc, "watching the process that owns the port");
}

static void add_port(const struct api_ops *ops, void *arg, const struct api_request *request,
		     struct api_response *ret)
{
	struct error err = {.code = 0};
	struct port_spec spec;
	struct api_port port;
	bool owned;
	int rc;

	if (!ops->add_port) {
		refuse_without_driver(ret);
		return;
	}
	rc = api_spec_decode(request->body ? request->body : "", request->size, &spec, &owned,
			     &err);
	if (rc == 0 && spec.host_path[0])
		rc = err_say(&err, EINVAL, "\"hostPath\" is for services of the host only");
	if (rc == 0 && !may_publish(ops, arg, request, &spec, ret))
		return;
	owners_check(request->owners);
	if (rc == 0)
		rc = publish(ops, arg, request, &spec, owned, &port, &err);
	if (rc < 0) {
		refuse_or_wait(ret, rc, &err);
		return;
	}
	ret->status = 201;
	ret->body = api_port_encode(&port);
}

/* An unknown @id passes: removing it reports that there is no such port. */
static bool may_remove(const struct api_ops *ops, void *arg, const struct api_request *request,
		       uint32_t id, struct api_response *ret)
{
	_cleanup_api_ports_ struct api_ports ports = {NULL, 0};
	struct error err = {.code = 0};

	if (!request->inside)
		return true;
	if (ops->list_ports(arg, &ports, &err) < 0) {
		refuse(ret, 500, "%s", err.text);
		return false;
	}
	for (size_t i = 0; i < ports.n; i++)
		if (ports.items[i].id == id)
			return may_publish(ops, arg, request, &ports.items[i].spec, ret);
	return true;
}

/* Read the id at the end of the path. If there is none, refuse the request. */
static bool read_id(const struct api_request *request, uint32_t *ret_id, struct api_response *ret)
{
	const char *text = strrchr(request->path, '/') + 1;

	if (parse_u32(text, UINT32_MAX, ret_id) == 0)
		return true;
	refuse(ret, 400, "\"%.64s\" is not the id of a port", text);
	return false;
}

static void remove_port(const struct api_ops *ops, void *arg, const struct api_request *request,
			struct api_response *ret)
{
	struct error err = {.code = 0};
	uint32_t id;
	int rc;

	if (!ops->remove_port) {
		refuse_without_driver(ret);
		return;
	}
	if (!read_id(request, &id, ret))
		return;
	if (!may_remove(ops, arg, request, id, ret))
		return;
	rc = ops->remove_port(arg, id, &err);
	if (rc < 0) {
		refuse_or_wait(ret, rc, &err);
		return;
	}
	owners_forget(request->owners, id);
	ret->status = 200;
	ret->body = strdup("");
}

/*
 * Services of the host. They open a way out of the command's network, so only a client in the
 * host's user namespace may add or remove them, whatever --api-inside allows.
 */

static void refuse_host_ports(struct api_response *ret)
{
	refuse(ret, 400, "this network cannot forward services of the host");
}

static bool may_open_host(const struct api_request *request, struct api_response *ret)
{
	if (!client_is_inside(request->sock))
		return true;
	refuse(ret, 403, "processes of the instance must not add or remove services of the host");
	return false;
}

static void list_host_ports(const struct api_ops *ops, void *arg, const struct api_request *request,
			    struct api_response *ret)
{
	_cleanup_api_ports_ struct api_ports ports = {NULL, 0};
	struct error err = {.code = 0};
	int rc;

	(void)request;
	if (!ops->list_host_ports) {
		refuse_host_ports(ret);
		return;
	}
	rc = ops->list_host_ports(arg, &ports, &err);
	if (rc < 0) {
		refuse(ret, status_of(rc), "%s", err.text);
		return;
	}
	ret->status = 200;
	ret->body = api_ports_encode(&ports);
}

/* Decode the service of the host in the body of @request. */
static int decode_host_port(const struct api_request *request, struct port_spec *ret,
			    struct error *err)
{
	bool owned = false;
	int rc = api_spec_decode(request->body ? request->body : "", request->size, ret, &owned,
				 err);

	if (rc == 0 && owned)
		return err_say(err, EINVAL, "a service of the host has no owner");
	return rc < 0 ? rc : portspec_check_host(ret, err);
}

static void add_host_port(const struct api_ops *ops, void *arg, const struct api_request *request,
			  struct api_response *ret)
{
	struct error err = {.code = 0};
	struct port_spec spec;
	struct api_port port;
	int rc;

	if (!may_open_host(request, ret))
		return;
	if (!ops->add_host_port) {
		refuse_host_ports(ret);
		return;
	}
	rc = decode_host_port(request, &spec, &err);
	if (rc == 0 && has_gone(request->sock))
		rc = err_say(&err, ECANCELED, "the client has gone");
	if (rc == 0)
		rc = ops->add_host_port(arg, &spec, &port, &err);
	if (rc < 0) {
		refuse(ret, status_of(rc), "%s", err.text);
		return;
	}
	ret->status = 201;
	ret->body = api_port_encode(&port);
}

static void remove_host_port(const struct api_ops *ops, void *arg,
			     const struct api_request *request, struct api_response *ret)
{
	struct error err = {.code = 0};
	uint32_t id;
	int rc;

	if (!may_open_host(request, ret) || !read_id(request, &id, ret))
		return;
	if (!ops->remove_host_port) {
		refuse_host_ports(ret);
		return;
	}
	rc = ops->remove_host_port(arg, id, &err);
	if (rc < 0) {
		refuse(ret, status_of(rc), "%s", err.text);
		return;
	}
	ret->status = 200;
	ret->body = strdup("");
}

static const struct route routes[] = {
	{"GET", "/v1/info", get_info},
	{"GET", "/v1/events", get_events},
	{"GET", "/v1/ports", list_ports},
	{"POST", "/v1/ports", add_port},
	{"DELETE", "/v1/ports/{id}", remove_port},
	{"GET", "/v1/host-ports", list_host_ports},
	{"POST", "/v1/host-ports", add_host_port},
	{"DELETE", "/v1/host-ports/{id}", remove_host_port},
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

/* A 405 names the methods of the path (RFC 9110, section 15.5.6). */
static void add_allowed(struct api_response *ret, const char *method)
{
	size_t used = strlen(ret->allow);

	(void)str_print(ret->allow + used, sizeof(ret->allow) - used, "%s%s", used > 0 ? ", " : "",
			method);
}

/* Refuse a request whose method alone shows that the policy for clients inside forbids it. */
static bool refuse_inside(const struct api_ops *ops, void *arg, const struct api_request *request,
			  struct api_response *ret)
{
	enum api_inside policy = request->inside ? ops->inside(arg) : API_INSIDE_FULL;

	if (policy == API_INSIDE_NONE)
		refuse(ret, 403, "this instance does not answer its command (--api-inside=none)");
	else if (policy == API_INSIDE_READ_ONLY && !streq(request->method, "GET"))
		refuse(ret, 403,
		       "this instance does not allow its command to add or remove ports "
		       "(--api-inside=read-only)");
	else
		return false;
	return true;
}

void api_route(const struct api_ops *ops, void *arg, const struct api_request *request,
	       struct api_response *ret)
{
	const char *path = request->path ? request->path : "";

	*ret = (struct api_response){.status = 404};
	if (refuse_inside(ops, arg, request, ret))
		return;
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

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The REST server: the socket, evhttp on it, and the path of a request through the routes. gate.c
 * and connection.c add the limits that evhttp lacks.
 */
#include "fauxroot/api/server.h"

#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>

#include "connection.h"
#include "events.h"
#include "fauxroot/api/events.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"
#include "fauxroot/base/str.h"
#include "fauxroot/sys/nudge.h"
#include "gate.h"
#include "owners.h"
#include "parked.h"
#include "routes.h"
#include "socket.h"

#ifndef __GLIBC__
/*
 * evhttp calls this function for the address of each client, and exits the process if it fails.
 * musl's function refuses AF_UNIX. We need no other family, and nothing uses the names.
 */
int getnameinfo(const struct sockaddr *restrict addr, socklen_t len, char *restrict host,
		socklen_t host_size, char *restrict port, socklen_t port_size, int flags)
{
	(void)len;
	(void)flags;
	if (addr->sa_family != AF_UNIX)
		return EAI_FAMILY;
	if (host_size > 0)
		*host = '\0';
	if (port_size > 0)
		*port = '\0';
	return 0;
}
#endif

/* Closing a connection may take so long at the end: see sys/nudge.h. */
#define STOP_MS 10

struct api_server {
	struct gate gate;
	struct owners owners;
	struct parked parked;
	struct events events;
	struct evhttp *http;
	const struct api_ops *ops;
	void *arg;
};

static const struct {
	enum evhttp_cmd_type type;
	const char *name;
} methods[] = {
	{EVHTTP_REQ_GET, "GET"},       {EVHTTP_REQ_POST, "POST"},
	{EVHTTP_REQ_HEAD, "HEAD"},     {EVHTTP_REQ_PUT, "PUT"},
	{EVHTTP_REQ_DELETE, "DELETE"}, {EVHTTP_REQ_OPTIONS, "OPTIONS"},
	{EVHTTP_REQ_TRACE, "TRACE"},   {EVHTTP_REQ_CONNECT, "CONNECT"},
	{EVHTTP_REQ_PATCH, "PATCH"},
};

static const char *method_name(enum evhttp_cmd_type type)
{
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		if (methods[i].type == type)
			return methods[i].name;
	return "";
}

static uint16_t all_methods(void)
{
	unsigned mask = 0;

	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		mask |= methods[i].type;
	return (uint16_t)mask;
}

static void send_response(struct evhttp_request *http, const struct api_response *response)
{
	static const char no_memory[] = "{\"message\":\"out of memory\"}";
	struct evkeyvalq *headers = evhttp_request_get_output_headers(http);
	struct evbuffer *out = evhttp_request_get_output_buffer(http);
	const char *body = response->body ? response->body : no_memory;
	char length[32];

	if (*body)
		evhttp_add_header(headers, "Content-Type", "application/json");
	if (response->allow[0] != '\0')
		evhttp_add_header(headers, "Allow", response->allow);
	/* The answer to HEAD has the length, but no body (RFC 9110, section 9.3.2). */
	(void)str_print(length, sizeof(length), "%zu", strlen(body));
	evhttp_add_header(headers, "Content-Length", length);
	if (evhttp_request_get_command(http) != EVHTTP_REQ_HEAD)
		evbuffer_add(out, body, strlen(body));
	evhttp_send_reply(http, response->body ? response->status : 500, NULL, NULL);
}

static void on_sent(struct evhttp_request *http, void *arg)
{
	(void)http;
	connection_answered(arg);
}

/* struct owners.ended */
static void on_owner_end(void *arg, uint32_t id)
{
	struct api_server *server = arg;

	log_info("removing port %" PRIu32 ": the process that owns it has exited", id);
	server->ops->abandon_port(server->arg, id);
}

/* Answer later. Until then evhttp must not read another request of the connection: it handles only
 * one at a time and aborts the process at a second one. */
static bool park(struct api_server *server, struct evhttp_request *http)
{
	struct evhttp_connection *peer = evhttp_request_get_connection(http);

	if (parked_add(&server->parked, http) < 0)
		return false;
	bufferevent_disable(evhttp_connection_get_bufferevent(peer), EV_READ);
	return true;
}

/* parked_each() */
static void on_request(void *arg, struct evhttp_request *http)
{
	struct api_server *server = arg;
	struct evhttp_connection *peer = evhttp_request_get_connection(http);
	struct evbuffer *body = evhttp_request_get_input_buffer(http);
	struct connection *conn;
	struct api_request request = {
		.method = method_name(evhttp_request_get_command(http)),
		.path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(http)),
		.body = (const char *)evbuffer_pullup(body, -1),
		.size = evbuffer_get_length(body),
	};
	struct api_response response;

	conn = connection_find(&server->gate, evhttp_connection_get_bufferevent(peer));
	/* If connection_new() was out of memory, evhttp continues without our checks. The body is
	 * in one piece, unless there is no memory for that. */
	if (!conn || (!request.body && request.size > 0)) {
		evhttp_send_error(http, HTTP_SERVUNAVAIL, NULL);
		return;
	}
	request.sock = connection_socket(conn);
	request.owners = &server->owners;
	request.events = &server->events;
	/* Check only if the policy depends on it: the check takes some system calls. */
	request.inside = server->ops->inside &&
			 server->ops->inside(server->arg) != API_INSIDE_FULL &&
			 connection_is_inside(conn);
	api_route(server->ops, server->arg, &request, &response);
	if (response.later && park(server, http))
		return;
	if (response.stream && response.body) {
		int rc = events_subscribe(&server->events, http, conn, response.body);

		free(TAKE_PTR(response.body));
		if (rc == 0)
			return;
	}
	evhttp_request_set_on_complete_cb(http, on_sent, conn);
	connection_answer_begin(conn);
	send_response(http, &response);
	connection_answer_end(conn);
	free(response.body);
}

void api_server_emit(struct api_server *server, const struct api_event *event)
{
	_cleanup_free_ char *line = NULL;

	if (!server || list_empty(&server->events.clients))
		return;
	line = api_event_encode(event);
	if (line)
		events_send(&server->events, line);
	else
		log_warning("an event is not reported: out of memory");
}

static void on_http(struct evhttp_request *http, void *arg)
{
	on_request(arg, http);
}

void api_server_resume(struct api_server *server)
{
	if (server)
		parked_each(&server->parked, on_request, server);
}

/* Start evhttp on the listening socket @fd. The function takes ownership of @fd, also on failure.
 */
static int serve(struct api_server *server, struct event_base *base, int fd,
		 const struct api_limits *limits)
{
	struct evconnlistener *listener;

	listener =
		evconnlistener_new(base, NULL, NULL,
				   LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_DISABLED,
				   0, fd);
	if (!listener) {
		fd_close(fd);
		return -ENOMEM;
	}
	server->http = evhttp_new(base);
	if (!server->http || !evhttp_bind_listener(server->http, listener)) {
		evconnlistener_free(listener);
		return -ENOMEM;
	}
	if (gate_init(&server->gate, base, listener, limits, &connection_gate_ops) < 0)
		return -ENOMEM;
	evhttp_set_bevcb(server->http, connection_new, &server->gate);
	evhttp_set_allowed_methods(server->http, all_methods());
	evhttp_set_max_headers_size(server->http, API_HEADER_SIZE);
	evhttp_set_max_body_size(server->http, API_BODY_SIZE);
	/* Idle clients may stay as long as there is room for others. */
	evhttp_set_timeout(server->http, 365 * 86400);
	/* An empty answer has no type; the default is text/html. */
	evhttp_set_default_content_type(server->http, NULL);
	evhttp_set_gencb(server->http, on_http, server);
	return 0;
}

int api_server_start_limited(struct event_base *base, const char *path,
			     const struct api_limits *limits, const struct api_ops *ops, void *arg,
			     struct api_server **ret, struct error *err)
{
	struct api_server *server;
	int fd = -1, rc;

	rc = socket_listen(path, "api.sock", SOCK_STREAM, &fd, err);
	if (rc < 0)
		return err_step(err, rc, STEP_API);
	server = calloc(1, sizeof(*server));
	if (!server) {
		fd_close(fd);
		return err_step(err, err_set(err, ENOMEM, "starting the API server"), STEP_API);
	}
	server->ops = ops;
	server->arg = arg;
	owners_init(&server->owners, base, on_owner_end, server);
	parked_init(&server->parked);
	events_init(&server->events, base, limits->request_ms);
	rc = serve(server, base, fd, limits);
	if (rc < 0) {
		api_server_stop(server);
		return err_step(err, err_set(err, -rc, "starting the API server"), STEP_API);
	}
	*ret = server;
	return 0;
}

int api_server_start(struct event_base *base, const char *path, const struct api_ops *ops,
		     void *arg, struct api_server **ret, struct error *err)
{
	return api_server_start_limited(base, path, &API_LIMITS, ops, arg, ret, err);
}

void api_server_stop(struct api_server *server)
{
	struct nudge nudge;

	if (!server)
		return;
	owners_clear(&server->owners);
	parked_clear(&server->parked);
	events_clear(&server->events);
	gate_clear(&server->gate);
	nudge_begin(&nudge, STOP_MS);
	if (server->http)
		evhttp_free(server->http);
	nudge_end(&nudge);
	free(server);
}

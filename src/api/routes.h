/* SPDX-License-Identifier: Apache-2.0 */
/* The API's answers to requests, independent of HTTP and sockets. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct api_ops;
struct events;
struct owners;

struct api_request {
	const char *method; /* "GET" */
	const char *path;   /* without the query; NULL if the target has no path */
	const char *body;   /* @size bytes; NULL if there are none */
	size_t size;
	int sock;	       /* the client's connection */
	bool inside;	       /* the client counts as inside; false if there are no restrictions */
	struct owners *owners; /* of ports that are removed with their client */
	struct events *events; /* the clients of /v1/events */
};

struct api_response {
	int status;
	char *body;	/* JSON, or "", to be freed; NULL when out of memory */
	bool stream;	/* status 200: .body is the first line of a stream of events */
	bool later;	/* no result yet: route the request again later, ignore the other members */
	char allow[64]; /* with status 405 the methods for the header Allow, otherwise "" */
};

/*
 * api_route() - answer a request
 * @ops, @arg: see api_server_start()
 * @ret: all members are set
 */
void api_route(const struct api_ops *ops, void *arg, const struct api_request *request,
	       struct api_response *ret);

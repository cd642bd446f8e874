/* SPDX-License-Identifier: Apache-2.0 */
/* What the API answers to a request, apart from how either travels. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct api_ops;
struct owners;

struct api_request {
	const char *method; /* "GET" */
	const char *path;   /* without the query; NULL where the target has none */
	const char *body;   /* @size bytes; NULL where there are none */
	size_t size;
	int sock;	       /* the client's connection */
	bool inside;	       /* the client is inside, or may be; false where all may do all */
	struct owners *owners; /* of ports that end with a client */
};

struct api_response {
	int status;
	char *body;	/* JSON, or "", to be freed; NULL when out of memory */
	bool later;	/* not yet: the same request is to be routed again; the rest is void */
	char allow[64]; /* with status 405, the methods for the header Allow, else "" */
};

/*
 * api_route() - answer a request
 * @ops, @arg: as api_server_start()
 * @ret: filled whole
 */
void api_route(const struct api_ops *ops, void *arg, const struct api_request *request,
	       struct api_response *ret);

/* SPDX-License-Identifier: Apache-2.0 */
/* What the API answers to a request, apart from how either travels. */
#pragma once

#include <stddef.h>

struct api_ops;

struct api_request {
	const char *method; /* "GET" */
	const char *path;   /* without the query; NULL where the target has none */
	const char *body;   /* @size bytes; NULL where there are none */
	size_t size;
};

struct api_response {
	int status;
	char *body;	/* JSON, or "", to be freed; NULL when out of memory */
	char allow[64]; /* with status 405, the methods for the header Allow, else "" */
};

/*
 * api_route() - answer a request
 * @ops, @arg: as api_server_start()
 * @ret: filled whole
 */
void api_route(const struct api_ops *ops, void *arg, const struct api_request *request,
	       struct api_response *ret);

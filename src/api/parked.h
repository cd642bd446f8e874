/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that cannot be answered yet, in the order of their arrival. */
#pragma once

#include "fauxroot/base/list.h"

struct evhttp_request;

struct parked {
	struct list items;
};

/* parked_init() - start with an empty list */
void parked_init(struct parked *parked);

/*
 * parked_add() - let @http wait; closing its connection removes it from the list
 *
 * Returns 0 or -ENOMEM.
 */
int parked_add(struct parked *parked, struct evhttp_request *http);

/*
 * parked_each() - take each request out of the list and call @answer for it
 * @answer: called with @arg; it may add the request again, for the next call
 */
void parked_each(struct parked *parked, void (*answer)(void *arg, struct evhttp_request *http),
		 void *arg);

/* parked_clear() - forget all items; evhttp closes their connections. Accepts a list that is all
 * zero. */
void parked_clear(struct parked *parked);

/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that cannot be answered yet, in the order in which they came. */
#pragma once

#include <stdint.h>

#include "fauxroot/base/list.h"

struct evhttp_request;

struct parked {
	struct list items;
};

/* parked_init() - none yet */
void parked_init(struct parked *parked);

/*
 * parked_add() - @http waits, until its connection is closed at the latest
 *
 * Returns 0 or -ENOMEM.
 */
int parked_add(struct parked *parked, struct evhttp_request *http);

/* parked_add_removal() - the port @id is to be removed, which nobody waits for; 0 or -ENOMEM */
int parked_add_removal(struct parked *parked, uint32_t id);

/*
 * parked_each() - call one of these for each that waits now, which does not wait any more then
 * @answer, @remove: called with @arg; may add it again
 */
void parked_each(struct parked *parked, void (*answer)(void *arg, struct evhttp_request *http),
		 void (*remove)(void *arg, uint32_t id), void *arg);

/* parked_clear() - forget all, whose connections are evhttp's to close; accepts what is all zero */
void parked_clear(struct parked *parked);

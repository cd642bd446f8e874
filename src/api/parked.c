/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * evhttp keeps a request until it is answered. If its connection is closed before, evhttp separates
 * the two, and we have to free the request.
 */
#include "parked.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include <event2/http.h>

struct parked_item {
	struct list link;
	struct evhttp_request *http;
};

void parked_init(struct parked *parked)
{
	list_init(&parked->items);
}

static void drop(struct parked_item *item)
{
	list_remove(&item->link);
	free(item);
}

/* evhttp_connection_set_closecb() */
static void on_close(struct evhttp_connection *peer, void *arg)
{
	struct parked_item *item = arg;
	struct evhttp_request *http = item->http;

	(void)peer;
	drop(item);
	if (!evhttp_request_get_connection(http))
		evhttp_request_free(http);
}

int parked_add(struct parked *parked, struct evhttp_request *http)
{
	struct parked_item *item = malloc(sizeof(*item));

	if (!item)
		return -ENOMEM;
	item->http = http;
	list_append(&parked->items, &item->link);
	evhttp_connection_set_closecb(evhttp_request_get_connection(http), on_close, item);
	return 0;
}

static void forget(struct parked_item *item)
{
	evhttp_connection_set_closecb(evhttp_request_get_connection(item->http), NULL, NULL);
	drop(item);
}

void parked_each(struct parked *parked, void (*answer)(void *arg, struct evhttp_request *http),
		 void *arg)
{
	const struct parked_item *last = LIST_LAST(&parked->items, struct parked_item, link);
	struct parked_item *item;
	bool done = !last;

	while (!done && (item = LIST_FIRST(&parked->items, struct parked_item, link))) {
		struct evhttp_request *http = item->http;

		done = item == last;
		forget(item);
		answer(arg, http);
	}
}

void parked_clear(struct parked *parked)
{
	struct parked_item *item;

	if (!parked->items.next)
		return;
	while ((item = LIST_FIRST(&parked->items, struct parked_item, link)))
		forget(item);
}

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
	struct evhttp_request *http; /* NULL: the removal of the port @id */
	uint32_t id;
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

static struct parked_item *add(struct parked *parked, struct evhttp_request *http, uint32_t id)
{
	struct parked_item *item = malloc(sizeof(*item));

	if (!item)
		return NULL;
	*item = (struct parked_item){.http = http, .id = id};
	list_append(&parked->items, &item->link);
	return item;
}

int parked_add(struct parked *parked, struct evhttp_request *http)
{
	struct parked_item *item = add(parked, http, 0);

	if (!item)
		return -ENOMEM;
	evhttp_connection_set_closecb(evhttp_request_get_connection(http), on_close, item);
	return 0;
}

int parked_add_removal(struct parked *parked, uint32_t id)
{
	return add(parked, NULL, id) ? 0 : -ENOMEM;
}

static void forget(struct parked_item *item)
{
	if (item->http)
		evhttp_connection_set_closecb(evhttp_request_get_connection(item->http), NULL,
					      NULL);
	drop(item);
}

void parked_each(struct parked *parked, void (*answer)(void *arg, struct evhttp_request *http),
		 void (*remove)(void *arg, uint32_t id), void *arg)
{
	const struct parked_item *last = LIST_LAST(&parked->items, struct parked_item, link);
	struct parked_item *item;
	bool done = !last;

	while (!done && (item = LIST_FIRST(&parked->items, struct parked_item, link))) {
		struct evhttp_request *http = item->http;
		uint32_t id = item->id;

		done = item == last;
		forget(item);
		if (http)
			answer(arg, http);
		else
			remove(arg, id);
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

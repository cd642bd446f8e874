/* SPDX-License-Identifier: Apache-2.0 */
#include "clients.h"

#include <stdlib.h>

void clients_init(struct clients *clients)
{
	list_init(&clients->items);
}

struct client *clients_find(struct clients *clients, const union endpoint *address)
{
	union endpoint key = *address;
	struct client *client;

	endpoint_set_port(&key, 0);
	LIST_EACH (client, &clients->items, link)
		if (endpoint_equal(&client->address, &key))
			return client;
	client = calloc(1, sizeof(*client));
	if (!client)
		return NULL;
	client->address = key;
	list_init(&client->queries);
	list_insert(&clients->items, &client->link);
	return client;
}

struct client *clients_busiest(const struct clients *clients)
{
	struct client *client, *busiest = NULL;

	LIST_EACH (client, &clients->items, link)
		if (!busiest || client->n_queries > busiest->n_queries)
			busiest = client;
	return busiest;
}

void clients_release(struct client *client)
{
	if (client->n_queries > 0 || client->n_streams > 0)
		return;
	list_remove(&client->link);
	free(client);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A query asks the first server. If there is no answer after a moment, it asks the next one as
 * well, and so on; the first answer counts. If a server refuses, cannot be reached, or reports a
 * failure, the query asks the next one at once. When it has asked all servers, it starts once more
 * from the first: the datagram may have been lost. Then it waits until its time is over.
 *
 * Servers that do not answer pause: servers.h. Nothing is cached: the host's resolver library does
 * not cache either. A host that needs a cache has it in a local name server.
 */
#include "queries.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fauxroot/base/macro.h"

/* When the table is full, any new query may displace a query of this age. */
#define OLD_MS 1000

static void free_query(struct query *q)
{
	struct attempt *a, *following;
	struct client *client = q->client;

	LIST_EACH_SAFE (a, following, &q->tries, link)
		attempt_end(a);
	list_remove(&q->link);
	list_remove(&q->of_client);
	q->queries->n--;
	client->n_queries--;
	clients_release(client);
	free(q->failure);
	free(q);
}

static void finish(struct query *q, const uint8_t *p, size_t size)
{
	q->answer(q, p, size);
	free_query(q);
}

/* Answer with @p, which is changed: it gets the client's id and question, and is truncated to the
 * client's size. */
static void deliver(struct query *q, uint8_t *p, size_t size)
{
	const uint8_t *asked = q->bytes + QUESTION_PREFIX;
	size_t end = q->question.end;

	dns_set_id(p, q->client_id);
	memcpy(p + DNS_HEADER_BYTES, asked + DNS_HEADER_BYTES, end - DNS_HEADER_BYTES);
	if (!q->stream && size > q->udp_bytes) {
		dns_reply(p, end, DNS_NOERROR, true, p);
		size = end;
	}
	finish(q, p, size);
}

/* All servers have failed. */
static void give_up(struct query *q)
{
	uint8_t *p = q->bytes + QUESTION_PREFIX;

	if (q->failure) {
		deliver(q, q->failure, q->failure_size);
		return;
	}
	dns_set_id(p, q->client_id);
	dns_reply(p, q->question.end, DNS_SERVFAIL, false, p);
	finish(q, p, q->question.end);
}

static const struct attempt_ops ops;

/* Ask server @i. Returns 0 or -errno. */
static int ask(struct query *q, unsigned i)
{
	const struct attempt_spec spec = {
		.sources = &q->queries->sources,
		.ops = &ops,
		.owner = q,
		.question = &q->question,
		.buffer = q->queries->buffer,
		.server = i,
		.generation = q->generation,
		.slot = q->queries->servers->items[i].slot,
		.tcp = q->stream,
	};
	struct attempt *a;
	int rc = attempt_start(&spec, &a);

	if (rc == 0)
		list_append(&q->tries, &a->link);
	return rc;
}

/* The launcher has replaced the servers, and the loop reads its message soon. Server @i was not
 * asked: the next tick asks again. Returns true: the query continues. */
static bool await_servers(struct query *q, unsigned i)
{
	q->asked &= ~(1U << i);
	q->next_ms = q->queries->loop->now_ms;
	return true;
}

/* Ask the next server. Returns false if the query has ended: all servers were asked, and none can
 * answer any more. */
static bool ask_next(struct query *q)
{
	struct servers *servers = q->queries->servers;
	int64_t now = q->queries->loop->now_ms;
	bool alone = false;

	if (q->generation != servers->generation) {
		q->generation = servers->generation;
		q->asked = 0;
	}
	while (!alone) {
		int i = servers_next(servers, q->asked, now), rc;

		if (i < 0)
			break;
		q->asked |= 1U << i;
		alone = !servers_is_suspect(servers, (unsigned)i);
		rc = ask(q, (unsigned)i);
		if (rc == 0)
			continue;
		if (rc == -ESTALE)
			return await_servers(q, (unsigned)i);
		alone = false;
		if (rc != -EMFILE && rc != -ENFILE && rc != -ENOMEM)
			servers_failed(servers, (unsigned)i, now, now);
	}
	q->next_ms = now + servers_wait_ms(servers);
	if (!list_empty(&q->tries))
		return true;
	give_up(q);
	return false;
}

/* Does the number of @a's server still mean the same server? */
static bool is_current(const struct attempt *a, const struct query *q)
{
	return a->generation == q->queries->servers->generation;
}

/* attempt_ops.failed */
static void on_failed(struct attempt *a)
{
	struct query *q = a->owner;

	if (is_current(a, q))
		servers_failed(q->queries->servers, a->server, a->asked_ms,
			       q->queries->loop->now_ms);
	attempt_end(a);
	(void)ask_next(q);
}

/* Keep the first failure: if all servers fail, the client gets it. */
static void keep_failure(struct query *q, const uint8_t *p, size_t size)
{
	if (q->failure)
		return;
	q->failure = malloc(size);
	if (!q->failure)
		return;
	memcpy(q->failure, p, size);
	q->failure_size = size;
}

/* attempt_ops.answered */
static void on_answered(struct attempt *a, enum dns_match match, uint8_t *p, size_t size)
{
	struct query *q = a->owner;

	if (is_current(a, q))
		servers_answered(q->queries->servers, a->server, q->queries->loop->now_ms);
	if (match != DNS_BARE && !dns_is_failure(p)) {
		deliver(q, p, size);
		return;
	}
	if (match != DNS_BARE)
		keep_failure(q, p, size);
	attempt_end(a);
	(void)ask_next(q);
}

static const struct attempt_ops ops = {.answered = on_answered, .failed = on_failed};

void queries_init(struct queries *queries, struct loop *loop, struct servers *servers,
		  struct clients *clients, unsigned max)
{
	queries->loop = loop;
	queries->servers = servers;
	queries->clients = clients;
	queries->max = max;
	/* If the limit of descriptors is low, no idle socket is kept. */
	sources_init(&queries->sources, loop, max < QUERIES_MAX ? 0 : SOURCES_IDLE_MAX);
	list_init(&queries->all);
}

/*
 * The table is full: drop the oldest query of the client that has the most queries, if @newcomer
 * has fewer. Otherwise drop a query that is older than OLD_MS, of @newcomer if it has queries: the
 * query was lost, or its server does not answer. Returns false if no query can be dropped.
 */
static bool displace_query(struct queries *queries, struct client *newcomer)
{
	struct client *busiest = clients_busiest(queries->clients);
	struct query *oldest;

	if (busiest && newcomer->n_queries + 1 < busiest->n_queries) {
		oldest = LIST_FIRST(&busiest->queries, struct query, of_client);
	} else {
		oldest = newcomer->n_queries > 0
				 ? LIST_FIRST(&newcomer->queries, struct query, of_client)
				 : LIST_FIRST(&queries->all, struct query, link);
		if (!oldest || queries->loop->now_ms - oldest->born_ms < OLD_MS)
			return false;
	}
	/* The count keeps @newcomer from being freed with its only query. */
	newcomer->n_queries++;
	finish(oldest, NULL, 0);
	newcomer->n_queries--;
	return true;
}

static struct query *new_query(struct queries *queries, const struct query_spec *spec)
{
	struct query *q = calloc(1, sizeof(*q) + QUESTION_PREFIX + spec->size);

	if (!q)
		return NULL;
	q->queries = queries;
	q->client = spec->client;
	q->answer = spec->answer;
	q->asker = spec->asker;
	q->from = *spec->from;
	q->stream = spec->stream;
	q->client_id = dns_id(spec->p);
	q->udp_bytes = spec->read->udp_bytes;
	q->born_ms = queries->loop->now_ms;
	q->generation = queries->servers->generation;
	q->question = (struct question){spec->size, spec->read->question_end, q->bytes};
	q->bytes[0] = (uint8_t)(spec->size >> 8);
	q->bytes[1] = (uint8_t)spec->size;
	memcpy(q->bytes + QUESTION_PREFIX, spec->p, spec->size);
	list_init(&q->tries);
	list_append(&queries->all, &q->link);
	list_append(&q->client->queries, &q->of_client);
	queries->n++;
	q->client->n_queries++;
	return q;
}

int queries_ask(struct queries *queries, const struct query_spec *spec)
{
	struct query *q;

	if (queries->n >= queries->max && !displace_query(queries, spec->client))
		return -ENOBUFS;
	q = new_query(queries, spec);
	if (!q)
		return -ENOMEM;
	(void)ask_next(q);
	return 0;
}

void queries_cancel(struct queries *queries, const void *asker)
{
	struct query *q, *following;

	LIST_EACH_SAFE (q, following, &queries->all, link)
		if (q->asker == asker)
			free_query(q);
}

/* The servers that were asked have not answered in time. */
static void overdue(struct query *q)
{
	struct servers *servers = q->queries->servers;
	struct attempt *a;

	LIST_EACH (a, &q->tries, link)
		if (is_current(a, q))
			servers_failed(servers, a->server, a->asked_ms, q->queries->loop->now_ms);
	if (servers_next(servers, q->asked, q->queries->loop->now_ms) < 0) {
		if (q->rounds++ > 0) {
			q->next_ms = INT64_MAX;
			return;
		}
		q->asked = 0;
	}
	(void)ask_next(q);
}

void queries_tick(struct queries *queries)
{
	int64_t now = queries->loop->now_ms;
	struct query *q, *following;

	LIST_EACH_SAFE (q, following, &queries->all, link) {
		if (now - q->born_ms >= QUERY_LIFE_MS)
			give_up(q);
		else if (now >= q->next_ms)
			overdue(q);
	}
	sources_tick(&queries->sources);
}

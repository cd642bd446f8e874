/* SPDX-License-Identifier: Apache-2.0 */
/* The table of queries when it is full: no client takes the place of the others. The server never
 * answers, so queries stay. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/config/portspec.h"
#include "fauxroot/proc/destinations.h"
#include "names/clients.h"
#include "names/loop.h"
#include "names/message.h"
#include "names/queries.h"
#include "names/servers.h"

enum { ROOM = 16 };

/* "a.b", type A, class IN, with the flag "recursion desired" */
static const uint8_t question[] = {0, 1, 1,   0, 0,   1, 0, 0, 0, 0, 0,
				   0, 1, 'a', 1, 'b', 0, 0, 1, 0, 1};

struct fixture {
	struct loop loop;
	struct clients clients;
	struct servers servers;
	struct queries queries;
	struct destinations d;
	int server;
	unsigned dropped;
};

static struct fixture *fixture;

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	union endpoint at;
	socklen_t size = sizeof(at);
	uint32_t slot;

	assert_non_null(f);
	assert_int_equal(endpoint_of("127.0.0.1", 0, &at), 0);
	f->server = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(f->server, &at.sa, endpoint_size(&at)), 0);
	assert_int_equal(getsockname(f->server, &at.sa, &size), 0);
	assert_int_equal(destinations_open(&f->d, NULL), 0);
	assert_int_equal(destinations_add(&f->d, &at, &slot, NULL), 0);
	assert_int_equal(destinations_map(f->d.fd, NULL), 0);
	assert_int_equal(names_loop_init(&f->loop), 0);
	clients_init(&f->clients);
	servers_set(&f->servers, &slot, 1);
	queries_init(&f->queries, &f->loop, &f->servers, &f->clients, ROOM);
	*state = fixture = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	queries_cancel(&f->queries, f);
	names_loop_turn(&f->loop, 0);
	fd_close(f->loop.epoll);
	fd_close(f->server);
	destinations_close(&f->d);
	free(f);
	return 0;
}

/* query.answer */
static void on_answer(struct query *query, const uint8_t *p, size_t size)
{
	(void)query;
	(void)size;
	assert_null(p);
	fixture->dropped++;
}

static int ask(struct fixture *f, const char *ip, unsigned *ret_queries)
{
	struct query_spec spec = {.answer = on_answer, .asker = f};
	struct dns_query read;
	uint8_t p[sizeof(question)];
	union endpoint from;
	int rc;

	memcpy(p, question, sizeof(p));
	assert_int_equal(dns_read_query(p, sizeof(p), &read), 0);
	assert_int_equal(endpoint_of(ip, 1000, &from), 0);
	spec.client = clients_find(&f->clients, &from);
	spec.from = &from;
	spec.read = &read;
	spec.p = p;
	spec.size = sizeof(p);
	rc = queries_ask(&f->queries, &spec);
	*ret_queries = spec.client->n_queries;
	if (rc < 0)
		clients_release(spec.client);
	return rc;
}

static void a_greedy_client_gives_way(void **state)
{
	struct fixture *f = *state;
	unsigned n;

	for (unsigned i = 1; i <= ROOM; i++) {
		assert_int_equal(ask(f, "10.0.2.100", &n), 0);
		assert_int_equal(n, i);
	}
	assert_int_equal(ask(f, "10.0.2.100", &n), -ENOBUFS);
	assert_int_equal(n, ROOM);
	assert_int_equal(f->dropped, 0);
	/* Another client gets as many places. */
	for (unsigned i = 1; i <= ROOM / 2; i++) {
		assert_int_equal(ask(f, "172.17.0.2", &n), 0);
		assert_int_equal(n, i);
		assert_int_equal(f->dropped, i);
	}
	assert_int_equal(ask(f, "172.17.0.2", &n), -ENOBUFS);
	assert_int_equal(ask(f, "10.0.2.100", &n), -ENOBUFS);
	assert_int_equal(n, ROOM / 2);
	/* A third client gets a place, too. */
	assert_int_equal(ask(f, "172.17.0.3", &n), 0);
	assert_int_equal(f->dropped, ROOM / 2 + 1);
	assert_int_equal(f->queries.n, ROOM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_greedy_client_gives_way, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Clients that ask very much: none takes the place or the time of the others. The server never
 * answers, so queries stay. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/config/portspec.h"
#include "fauxroot/proc/destinations.h"
#include "fauxroot/sys/seccomp.h"
#include "names/clients.h"
#include "names/loop.h"
#include "names/message.h"
#include "names/queries.h"
#include "names/servers.h"
#include "names/streams.h"

enum { ROOM = 16, MANY = 1000, PATIENCE_MS = 30000 };

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
	uint32_t slot; /* of the server's address */
	union endpoint at;
	unsigned dropped;
};

static struct fixture *fixture;

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	socklen_t size = sizeof(f->at);

	assert_non_null(f);
	assert_int_equal(endpoint_of("127.0.0.1", 0, &f->at), 0);
	f->server = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(f->server, &f->at.sa, endpoint_size(&f->at)), 0);
	assert_int_equal(getsockname(f->server, &f->at.sa, &size), 0);
	assert_int_equal(destinations_open(&f->d, NULL), 0);
	assert_int_equal(destinations_add(&f->d, &f->at, &f->slot, NULL), 0);
	assert_int_equal(destinations_map(f->d.fd, NULL), 0);
	assert_int_equal(names_loop_init(&f->loop), 0);
	clients_init(&f->clients);
	servers_set(&f->servers, &f->slot, 1);
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
	assert_int_equal(munmap((void *)(uintptr_t)DESTINATIONS_BASE, DESTINATIONS_BYTES), 0);
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

/* The launcher removes the old addresses when it has sent the new ones, which we may read later. */
static void a_removed_server_is_not_asked(void **state)
{
	const struct timeval patience = timeval_ms(PATIENCE_MS);
	uint8_t p[sizeof(question) + 1];
	struct fixture *f = *state;
	unsigned n;

	destinations_drop(&f->d, f->slot);
	assert_int_equal(ask(f, "10.0.2.100", &n), 0);
	assert_int_equal(f->queries.n, 1);
	for (int ticks = 0; ticks < 10; ticks++)
		queries_tick(&f->queries);
	assert_int_equal(f->queries.n, 1);
	assert_false(servers_is_suspect(&f->servers, 0));
	assert_int_equal(destinations_add(&f->d, &f->at, &f->slot, NULL), 0);
	servers_set(&f->servers, &f->slot, 1);
	queries_tick(&f->queries);
	assert_int_equal(
		setsockopt(f->server, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	assert_int_equal(recv(f->server, p, sizeof(p), 0), sizeof(question));
}

/* Connect to a new listener. Returns the client's socket. */
static int connect_client(struct streams *streams, struct stream_listener *listener)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	union endpoint at;
	socklen_t size = sizeof(at);

	assert_int_equal(endpoint_of("127.0.0.1", 0, &at), 0);
	assert_int_equal(bind(fd, &at.sa, endpoint_size(&at)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, &at.sa, &size), 0);
	assert_int_equal(streams_listen(streams, listener, fd), 0);
	assert_int_equal(connect(client, &at.sa, endpoint_size(&at)), 0);
	return client;
}

/* The number that the next descriptor gets. */
static int next_fd(void)
{
	int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);

	fd_close(fd);
	return fd;
}

static int unread(int fd)
{
	int n = -1;

	assert_int_equal(ioctl(fd, FIONREAD, &n), 0);
	return n;
}

/* A query without a question is answered at once, so it does not count as a query of the client. */
static void a_client_that_never_pauses_gives_turns(void **state)
{
	static const uint8_t bad[] = {0, 12, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0};
	struct deadline patience = deadline_in(PATIENCE_MS);
	uint8_t bytes[MANY * sizeof(bad)];
	struct fixture *f = *state;
	struct stream_listener listener;
	struct streams streams;
	int client, accepted;
	size_t n = 0;

	for (size_t i = 0; i < MANY; i++)
		memcpy(bytes + i * sizeof(bad), bad, sizeof(bad));
	streams_init(&streams, &f->loop, &f->queries);
	client = connect_client(&streams, &listener);
	accepted = next_fd();
	names_loop_turn(&f->loop, PATIENCE_MS);
	assert_int_equal(streams.n, 1);
	assert_int_equal(send(client, bytes, sizeof(bytes), MSG_NOSIGNAL), sizeof(bytes));
	names_loop_turn(&f->loop, PATIENCE_MS);
	/* One turn reads a part of the queries, and more turns read all. */
	assert_in_range(unread(accepted), 1, sizeof(bytes) - sizeof(bad));
	while (n < sizeof(bytes) && deadline_left(&patience) > 0) {
		ssize_t more;

		names_loop_turn(&f->loop, 10);
		more = recv(client, bytes, sizeof(bytes), MSG_DONTWAIT);
		n += more > 0 ? (size_t)more : 0;
	}
	assert_int_equal(n, sizeof(bytes));
	fd_close(client);
	while (streams.n > 0 && deadline_left(&patience) > 0)
		names_loop_turn(&f->loop, PATIENCE_MS);
	fd_close(listener.watch.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_greedy_client_gives_way, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_removed_server_is_not_asked, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_client_that_never_pauses_gives_turns, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

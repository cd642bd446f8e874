/* SPDX-License-Identifier: Apache-2.0 */
/* Which name server a query asks, and which client must give way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fauxroot/base/macro.h"
#include "names/clients.h"
#include "names/servers.h"

static struct servers three(void)
{
	static const uint32_t slots[] = {7, 8, 9};
	struct servers s = {.n = 0};

	servers_set(&s, slots, 3);
	return s;
}

static void servers_are_asked_in_order(void **state)
{
	struct servers s = three();

	(void)state;
	assert_int_equal(servers_next(&s, 0, 0), 0);
	assert_int_equal(servers_next(&s, 1, 0), 1);
	assert_int_equal(servers_next(&s, 3, 0), 2);
	assert_int_equal(servers_next(&s, 7, 0), -1);
	assert_int_equal(s.items[2].slot, 9);
}

static void a_silent_server_pauses_longer_each_time(void **state)
{
	struct servers s = three();
	int64_t now = 1000;

	(void)state;
	servers_failed(&s, 0, now - 10, now);
	assert_int_equal(servers_next(&s, 0, now), 1);
	/* Other queries that it did not answer do not count again. */
	servers_failed(&s, 0, now - 5, now + 1);
	assert_int_equal(s.items[0].pause_ms, SERVER_PAUSE_MS);
	now += SERVER_PAUSE_MS;
	assert_int_equal(servers_next(&s, 0, now), 0);
	assert_true(servers_is_suspect(&s, 0));
	servers_failed(&s, 0, now, now);
	assert_int_equal(s.items[0].down_ms, now + 2LL * SERVER_PAUSE_MS);
	for (int i = 0; i < 10; i++) {
		now = s.items[0].down_ms;
		servers_failed(&s, 0, now, now);
	}
	assert_int_equal(s.items[0].pause_ms, SERVER_PAUSE_MAX_MS);
	servers_answered(&s, 0, now);
	assert_int_equal(servers_next(&s, 0, now), 0);
	assert_false(servers_is_suspect(&s, 0));
}

static void a_slow_answer_is_no_silence(void **state)
{
	struct servers s = three();

	(void)state;
	servers_answered(&s, 0, 100);
	servers_failed(&s, 0, 50, 1050);
	assert_int_equal(servers_next(&s, 0, 1050), 0);
}

static void all_pausing_servers_are_asked(void **state)
{
	struct servers s = three();

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		servers_failed(&s, i, 0, 10);
	assert_int_equal(servers_next(&s, 0, 20), 0);
	assert_int_equal(servers_next(&s, 1, 20), 1);
}

static void new_servers_are_unknown(void **state)
{
	static const uint32_t slots[NAMES_SERVERS_MAX + 4] = {3};
	struct servers s = three();
	unsigned before = s.generation;

	(void)state;
	servers_failed(&s, 0, 0, 10);
	servers_set(&s, slots, 1);
	assert_int_equal(servers_next(&s, 0, 10), 0);
	assert_int_not_equal(s.generation, before);
	servers_set(&s, slots, ARRAY_SIZE(slots));
	assert_int_equal(s.n, NAMES_SERVERS_MAX);
	/* All are asked before a client gives up after 5 s. */
	assert_true(servers_wait_ms(&s) * NAMES_SERVERS_MAX <= 5000);
}

static void the_busiest_client_is_found(void **state)
{
	union endpoint a, b, b2;
	struct clients clients;
	struct client *one, *two;

	(void)state;
	assert_int_equal(endpoint_of("10.0.2.100", 1000, &a), 0);
	assert_int_equal(endpoint_of("fd00::100", 1000, &b), 0);
	assert_int_equal(endpoint_of("fd00::100", 2000, &b2), 0);
	clients_init(&clients);
	assert_null(clients_busiest(&clients));
	one = clients_find(&clients, &a);
	two = clients_find(&clients, &b);
	assert_ptr_not_equal(one, two);
	assert_ptr_equal(two, clients_find(&clients, &b2));
	one->n_queries = 2;
	two->n_queries = 3;
	assert_ptr_equal(clients_busiest(&clients), two);
	/* A client with queries stays. */
	clients_release(two);
	two->n_queries = one->n_queries = 0;
	clients_release(two);
	clients_release(one);
	assert_null(clients_busiest(&clients));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(servers_are_asked_in_order),
		cmocka_unit_test(a_silent_server_pauses_longer_each_time),
		cmocka_unit_test(a_slow_answer_is_no_silence),
		cmocka_unit_test(all_pausing_servers_are_asked),
		cmocka_unit_test(new_servers_are_unknown),
		cmocka_unit_test(the_busiest_client_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

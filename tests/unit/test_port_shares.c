/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fauxroot/base/list.h"
#include "fauxroot/base/macro.h"
#include "port/builtin/shares.h"

static atomic_uint flows;
static struct shares shares;
static int64_t now;
static unsigned closed; /* number of shares that were freed */

static void on_closed(void *arg)
{
	assert_ptr_equal(arg, &closed);
	closed++;
}

static int start(void **state)
{
	(void)state;
	flows = 0;
	now = 1000000;
	/* 800 descriptors are 400 connections; a port with one listener needs two descriptors. */
	closed = 0;
	shares_init(&shares, 800, &flows, on_closed, &closed);
	return 0;
}

static int end(void **state)
{
	(void)state;
	assert_int_equal(shares.used, 0);
	assert_int_equal(shares.leaving, 0);
	assert_int_equal(shares.origins.n, 0);
	assert_true(list_empty(&shares.ports));
	shares_clear(&shares);
	return 0;
}

static union endpoint client(const char *address)
{
	union endpoint e;

	assert_int_equal(endpoint_of(address, 5000, &e), 0);
	return e;
}

/* Enter as worker 0, for itself. */
static enum share_answer enter(struct share *share, const char *address, struct share_slot *slot)
{
	union endpoint e = client(address);
	int wake;

	return share_enter(share, &e, slot, 0, 0, now, &wake);
}

/* Enter up to @n connections. Returns how many were admitted. */
static unsigned enter_many(struct share *share, const char *address, struct share_slot *slots,
			   unsigned n)
{
	unsigned i = 0;

	while (i < n && enter(share, address, &slots[i]) == SHARE_ENTERED)
		i++;
	if (i < n)
		share_give_up(share, 0);
	return i;
}

static void leave_many(struct share_slot *slots, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		(void)share_leave(&slots[i]);
}

/* Let all displaced connections leave. Returns their number. */
static unsigned leave_displaced(void)
{
	struct share_slot *slot;
	unsigned n = 0;

	while ((slot = shares_displaced(&shares, 0))) {
		assert_null(slot->source);
		(void)share_leave(slot);
		n++;
	}
	return n;
}

static void a_single_port_gets_all_connections(void **state)
{
	static struct share_slot slots[500];
	struct share *share = share_open(&shares, 1, 1, false);
	unsigned n = enter_many(share, "192.0.2.1", slots, 500);

	(void)state;
	assert_int_equal(n, 399);
	leave_many(slots, n);
	assert_int_equal(enter_many(share, "192.0.2.1", slots, 500), n);
	leave_many(slots, n);
	share_close(share);
}

static void each_port_has_a_reserve(void **state)
{
	static struct share_slot a_slots[500], b_slots[500], c_slots[500];
	struct share *a = share_open(&shares, 1, 2, false), *b = share_open(&shares, 2, 1, false);
	struct share *c = share_open(&shares, 3, 1, false);
	unsigned in_a, in_b, in_c;

	(void)state;
	/* Each listener needs two descriptors; port a gets all the rest but two reserves. */
	in_a = enter_many(a, "192.0.2.1", a_slots, 500);
	assert_int_equal(in_a, 400 - 4 - 2 * SHARE_RESERVE);
	in_b = enter_many(b, "192.0.2.1", b_slots, 500);
	assert_int_equal(in_b, SHARE_RESERVE);
	/* Another port can use connections that a gives up. */
	leave_many(a_slots, 10);
	in_c = enter_many(c, "192.0.2.1", c_slots, 500);
	assert_int_equal(in_c, SHARE_RESERVE + 10);
	leave_many(a_slots + 10, in_a - 10);
	leave_many(b_slots, in_b);
	leave_many(c_slots, in_c);
	share_close(b);
	share_close(c);
	share_close(a);
	share_close(a);
}

/* With many ports, the reserves together take at most half of all connections. */
static void reserves_take_at_most_half(void **state)
{
	static struct share_slot slots[500];
	struct share *ports[100];
	unsigned in_first, rest = 0;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(ports); i++)
		ports[i] = share_open(&shares, i + 1, 1, false);
	in_first = enter_many(ports[0], "192.0.2.1", slots, 500);
	assert_true(in_first > 100);
	for (unsigned i = 1; i < ARRAY_SIZE(ports); i++)
		rest += enter_many(ports[i], "192.0.2.1", slots + in_first + rest, 2);
	assert_true(rest >= 99);
	leave_many(slots, in_first + rest);
	for (unsigned i = 0; i < ARRAY_SIZE(ports); i++)
		share_close(ports[i]);
}

/* A port that is published when all connections are used displaces some. */
static void a_late_port_displaces_for_its_reserve(void **state)
{
	static struct share_slot slots[500], late[SHARE_RESERVE + 1];
	struct share *a = share_open(&shares, 1, 1, false), *b;
	unsigned in_a = enter_many(a, "192.0.2.1", slots, 500);

	(void)state;
	b = share_open(&shares, 2, 1, false);
	for (unsigned i = 0; i < SHARE_RESERVE; i++) {
		assert_int_equal(enter(b, "192.0.2.1", &late[i]), SHARE_ENTERED);
		/* One connection at a time displaces no more than needed. */
		assert_true(leave_displaced() <= 2);
	}
	assert_true(shares.used <= 400 - 2);
	assert_int_not_equal(enter(b, "192.0.2.1", &late[SHARE_RESERVE]), SHARE_ENTERED);
	share_give_up(b, 0);
	for (unsigned i = 0; i < in_a; i++)
		if (slots[i].source)
			(void)share_leave(&slots[i]);
	leave_many(late, SHARE_RESERVE);
	share_close(a);
	share_close(b);
}

static void another_source_displaces_the_newest(void **state)
{
	static struct share_slot greedy[500], others[500];
	struct share *share = share_open(&shares, 1, 1, false);
	unsigned n = enter_many(share, "192.0.2.1", greedy, 500), displaced = 0, m = 0;

	(void)state;
	assert_false(share_is_shut(share));
	while (enter(share, "192.0.2.2", &others[m]) == SHARE_ENTERED) {
		m++;
		displaced += leave_displaced();
		/* The newest connection is displaced, the oldest stays. */
		assert_null(greedy[n - displaced].source);
	}
	share_give_up(share, 0);
	/* That ends when both have about the same number. */
	assert_int_equal(displaced, m);
	assert_true(n - displaced >= m && n - displaced - m <= 1);
	/* A third source displaces connections of both. */
	assert_int_equal(enter(share, "192.0.2.3", &others[m++]), SHARE_ENTERED);
	assert_int_equal(enter(share, "192.0.2.3", &others[m++]), SHARE_ENTERED);
	assert_int_equal(leave_displaced(), 2);
	for (unsigned i = 0; i < n; i++)
		if (greedy[i].source)
			(void)share_leave(&greedy[i]);
	for (unsigned i = 0; i < m; i++)
		if (others[i].source)
			(void)share_leave(&others[i]);
	share_close(share);
}

/* If no source has more than one connection, none can be displaced, and the port is shut. */
static void sources_with_one_connection_shut_the_port(void **state)
{
	static struct share_slot slots[500];
	struct share *share = share_open(&shares, 1, 1, false);
	char address[32];
	unsigned n = 0;

	(void)state;
	do {
		assert_false(share_is_shut(share));
		snprintf(address, sizeof(address), "192.0.%u.%u", n / 200, n % 200);
	} while (enter(share, address, &slots[n]) == SHARE_ENTERED && ++n < 399);
	assert_int_equal(n, 399);
	assert_true(share_is_shut(share));
	assert_false(share_recheck(share));
	(void)share_leave(&slots[0]);
	assert_false(share_is_shut(share));
	assert_true(share_recheck(share));
	leave_many(slots + 1, n - 1);
	share_close(share);
}

static void the_largest_source_waits_and_is_refused(void **state)
{
	static struct share_slot slots[500];
	struct share *share = share_open(&shares, 1, 1, false);
	unsigned n = enter_many(share, "192.0.2.1", slots, 500);

	(void)state;
	assert_int_equal(enter(share, "192.0.2.1", &slots[n]), SHARE_WAITS);
	/* The port is shut until the waiting client is admitted or refused. */
	assert_true(share_is_shut(share));
	now += SHARE_WAIT_MS - 1;
	assert_int_equal(enter(share, "192.0.2.1", &slots[n]), SHARE_WAITS);
	assert_int_equal(share_leave(&slots[0]), 0);
	assert_int_equal(enter(share, "192.0.2.1", &slots[0]), SHARE_ENTERED);
	assert_false(share_is_shut(share));
	/* Waiting has used up the time that is left, and the end of a connection adds a little. */
	assert_int_equal(enter(share, "192.0.2.1", &slots[n]), SHARE_WAITS);
	now += SHARE_WAIT_PER_END_MS;
	assert_int_equal(enter(share, "192.0.2.1", &slots[n]), SHARE_REFUSED);
	assert_int_equal(enter(share, "192.0.2.1", &slots[n]), SHARE_REFUSED);
	assert_false(share_is_shut(share));
	/* Another client is admitted. */
	assert_int_equal(enter(share, "192.0.2.2", &slots[n]), SHARE_ENTERED);
	assert_int_equal(leave_displaced(), 1);
	assert_null(slots[0].source);
	leave_many(slots + 1, n);
	share_close(share);
}

/* While connections end again and again, waiting clients are never refused. */
static void each_end_of_a_connection_adds_time_to_wait(void **state)
{
	static struct share_slot slots[500];
	struct share *share = share_open(&shares, 1, 1, false);
	unsigned n = enter_many(share, "192.0.2.1", slots, 500);

	(void)state;
	for (unsigned i = 0; i < 3000; i++) {
		assert_int_equal(enter(share, "192.0.2.1", &slots[n]), SHARE_WAITS);
		now += SHARE_WAIT_PER_END_MS;
		(void)share_leave(&slots[i % n]);
		assert_int_equal(enter(share, "192.0.2.1", &slots[i % n]), SHARE_ENTERED);
	}
	leave_many(slots, n);
	share_close(share);
}

static void which_addresses_are_one_source(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} rows[] = {
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"2001:db8::1", "2001:db8::ffff:2", true},
		{"2001:db8::1", "2001:db8:0:1::1", false},
		{"fe80::1", "fe80::2", false},
		{"fe80::1", "fe80::1", true},
		{"::1", "0.0.0.1", false},
		{"::", "0.0.0.0", false},
	};
	uint64_t a[2], b[2];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		union endpoint e = client(rows[i].a), other = client(rows[i].b);

		endpoint_set_port(&other, 99);
		origin_key(&e, a);
		origin_key(&other, b);
		assert_int_equal(memcmp(a, b, sizeof(a)) == 0, rows[i].same);
	}
}

/* UDP flows leave TCP ports their reserves, and TCP connections leave UDP ports theirs. */
static void flows_and_connections_leave_each_other_room(void **state)
{
	static struct share_slot slots[500];
	struct share *tcp, *udp = share_open(&shares, 1, 2, true);
	unsigned n, most;

	(void)state;
	tcp = share_open(&shares, 2, 1, false);
	n = enter_many(tcp, "192.0.2.1", slots, 500);
	assert_int_equal(n, (800 - 2 - 2 - SHARE_RESERVE_UDP) / 2);
	most = shares_flows_max(&shares);
	assert_true(most >= SHARE_RESERVE_UDP && most <= SHARE_RESERVE_UDP + 1);
	assert_true(shares_are_tight(&shares, 64));
	leave_many(slots, n);
	assert_false(shares_are_tight(&shares, 64));
	flows = shares_flows_max(&shares);
	assert_int_equal(flows, 800 - 2 - 2 - 2 * SHARE_RESERVE);
	n = enter_many(tcp, "192.0.2.1", slots, 500);
	assert_int_equal(n, SHARE_RESERVE);
	leave_many(slots, n);
	share_close(tcp);
	share_close(udp);
	share_close(udp);
}

/* Even a limit that is too small allows one connection. */
static void a_tiny_limit_allows_one_connection(void **state)
{
	struct shares tiny;
	struct share_slot slots[2];
	struct share *share;
	union endpoint e = client("192.0.2.1");
	int wake;

	(void)state;
	shares_init(&tiny, 1, &flows, on_closed, &closed);
	share = share_open(&tiny, 1, 2, false);
	assert_int_equal(share_enter(share, &e, &slots[0], 0, 0, now, &wake), SHARE_ENTERED);
	assert_int_equal(share_enter(share, &e, &slots[1], 0, 0, now, &wake), SHARE_WAITS);
	share_give_up(share, 0);
	(void)share_leave(&slots[0]);
	share_close(share);
	share_close(share);
	shares_clear(&tiny);
}

/* A connection that is displaced while it is passed between threads: share_arrive() detects it, and
 * it is in no list. */
static void a_connection_in_a_letter_is_displaced(void **state)
{
	static struct share_slot slots[500], other;
	struct share *share = share_open(&shares, 1, 1, false);
	union endpoint e = client("192.0.2.1");
	unsigned n = enter_many(share, "192.0.2.1", slots, 398);
	int wake;

	(void)state;
	assert_int_equal(n, 398);
	assert_int_equal(share_enter(share, &e, &slots[n], 0, 1, now, &wake), SHARE_ENTERED);
	assert_false(slots[n].arrived);
	e = client("192.0.2.2");
	assert_int_equal(share_enter(share, &e, &other, 0, 0, now, &wake), SHARE_ENTERED);
	assert_int_equal(wake, -1);
	assert_null(shares_displaced(&shares, 0));
	assert_null(shares_displaced(&shares, 1));
	assert_false(share_arrive(&slots[n], 1));
	(void)share_leave(&slots[n]);
	/* A connection that has arrived: its worker is woken. */
	(void)share_leave(&slots[0]);
	e = client("192.0.2.1");
	assert_int_equal(share_enter(share, &e, &slots[0], 0, 1, now, &wake), SHARE_ENTERED);
	assert_true(share_arrive(&slots[0], 1));
	e = client("192.0.2.3");
	assert_int_equal(share_enter(share, &e, &slots[n], 0, 0, now, &wake), SHARE_ENTERED);
	assert_int_equal(wake, 1);
	assert_null(shares_displaced(&shares, 0));
	assert_ptr_equal(shares_displaced(&shares, 1), &slots[0]);
	/* It may leave at the same moment without shares_displaced(). */
	leave_many(slots, n + 1);
	(void)share_leave(&other);
	share_close(share);
}

/* ---- any order of events ---- */

#define PORTS	  5
#define ADDRESSES 7
#define SLOTS	  600

static uint64_t random_state = 42;

static unsigned any(unsigned n)
{
	random_state = random_state * 6364136223846793005 + 1442695040888963407;
	return (unsigned)(random_state >> 33) % n;
}

/* Compare the counters of the module with a count of the connections. */
static void check(struct share **ports, const struct share_slot *slots, const bool *taken)
{
	unsigned used = 0, leaving = 0, sum = 0, tcp = 0;

	for (unsigned p = 0; p < PORTS; p++) {
		unsigned here = 0, most = 0;

		for (unsigned i = 0; i < SLOTS; i++) {
			unsigned same = 0;

			if (!taken[i] || slots[i].share != ports[p] || !slots[i].source)
				continue;
			here++;
			for (unsigned k = 0; k < SLOTS; k++)
				same += taken[k] && slots[k].source == slots[i].source;
			assert_int_equal(slots[i].source->count, same);
			most = MAX(most, same);
		}
		if (!ports[p])
			continue;
		tcp++;
		assert_int_equal(ports[p]->used, here);
		if (here > 0)
			assert_int_equal(origin_most(&ports[p]->heap)->count, most);
		used += here;
		sum += MAX(here, shares.reserve);
	}
	for (unsigned i = 0; i < SLOTS; i++)
		leaving += taken[i] && !slots[i].source;
	assert_int_equal(shares.used, used);
	assert_int_equal(shares.leaving, leaving);
	assert_int_equal(shares.committed, sum);
	assert_int_equal(shares.n_tcp, tcp);
	assert_true(shares.leaving <= SHARE_LEAVING_MAX);
}

static void close_port(struct share **port, struct share_slot *slots, bool *taken)
{
	for (unsigned i = 0; i < SLOTS; i++)
		if (taken[i] && slots[i].share == *port) {
			(void)share_leave(&slots[i]);
			taken[i] = false;
		}
	share_close(*port);
	*port = NULL;
}

static void one_event(struct share **ports, struct share_slot *slots, bool *taken)
{
	unsigned p = any(PORTS), i = any(SLOTS), what = any(1000);
	char address[32];

	if (!ports[p]) {
		if (what < 20)
			ports[p] = share_open(&shares, p + 1, 1, false);
	} else if (what < 5) {
		close_port(&ports[p], slots, taken);
	} else if (taken[i]) {
		(void)share_leave(&slots[i]);
		taken[i] = false;
	} else {
		unsigned limit = any(3) ? 1 : ADDRESSES;

		snprintf(address, sizeof(address), "192.0.2.%u", any(limit));
		taken[i] = enter(ports[p], address, &slots[i]) == SHARE_ENTERED;
	}
	now += any(30);
	for (struct share_slot *slot; any(2) && (slot = shares_displaced(&shares, 0));) {
		(void)share_leave(slot);
		taken[slot - slots] = false;
	}
}

static void random_events_keep_the_counts(void **state)
{
	static struct share_slot slots[SLOTS];
	static bool taken[SLOTS];
	struct share *ports[PORTS] = {NULL};

	(void)state;
	for (unsigned i = 0; i < 200000; i++) {
		one_event(ports, slots, taken);
		if (i % 1000 == 0)
			check(ports, slots, taken);
	}
	for (unsigned p = 0; p < PORTS; p++)
		if (ports[p])
			close_port(&ports[p], slots, taken);
}

/* ---- threads ---- */

#define THREADS 4

static struct share *common;

static void *come_and_go(void *arg)
{
	unsigned self = (unsigned)(uintptr_t)arg;
	static struct share_slot all[THREADS][200];
	struct share_slot *slots = all[self], *slot;
	bool taken[200] = {false};
	char address[32];
	union endpoint e;
	int wake;

	snprintf(address, sizeof(address), "192.0.2.%u", self);
	e = client(address);
	for (unsigned i = 0; i < 100000; i++) {
		unsigned at = i * 7919 % 200;

		if (taken[at])
			(void)share_leave(&slots[at]);
		taken[at] = !taken[at] && share_enter(common, &e, &slots[at], self, self, now,
						      &wake) == SHARE_ENTERED;
		while ((slot = shares_displaced(&shares, self))) {
			(void)share_leave(slot);
			taken[slot - slots] = false;
		}
	}
	for (unsigned at = 0; at < 200; at++)
		if (taken[at])
			(void)share_leave(&slots[at]);
	share_give_up(common, self);
	return NULL;
}

static void threads_enter_and_leave_at_once(void **state)
{
	pthread_t ids[THREADS];

	(void)state;
	common = share_open(&shares, 1, 1, false);
	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&ids[i], NULL, come_and_go, (void *)i), 0);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(ids[i], NULL);
	share_close(common);
}

#define ROW(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(a_single_port_gets_all_connections),
		ROW(each_port_has_a_reserve),
		ROW(reserves_take_at_most_half),
		ROW(a_late_port_displaces_for_its_reserve),
		ROW(another_source_displaces_the_newest),
		ROW(sources_with_one_connection_shut_the_port),
		ROW(the_largest_source_waits_and_is_refused),
		ROW(each_end_of_a_connection_adds_time_to_wait),
		ROW(which_addresses_are_one_source),
		ROW(flows_and_connections_leave_each_other_room),
		ROW(a_tiny_limit_allows_one_connection),
		ROW(a_connection_in_a_letter_is_displaced),
		ROW(random_events_keep_the_counts),
		ROW(threads_enter_and_leave_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

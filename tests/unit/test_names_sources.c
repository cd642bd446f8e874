/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The source ports of questions: few questions have a new one each; of many, each chooses at random
 * among many, none is used for long, and none after a datagram that was not asked for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/config/portspec.h"
#include "fauxroot/proc/destinations.h"
#include "names/attempts.h"
#include "names/loop.h"
#include "names/message.h"
#include "names/sources.h"

enum { SERVERS = 2, TICK_MS = 50, WAIT_MS = 30000, PORTS = 65536, GENERATION = 7 };

static struct {
	struct destinations d;
	int server[SERVERS];
	uint32_t slot[SERVERS];
} host;

/* The memory of the addresses is mapped once a process. */
static int start(void **state)
{
	(void)state;
	assert_int_equal(destinations_open(&host.d, NULL), 0);
	for (int i = 0; i < SERVERS; i++) {
		union endpoint at;
		socklen_t size = sizeof(at);

		host.server[i] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		assert_int_equal(endpoint_of("127.0.0.1", 0, &at), 0);
		assert_int_equal(bind(host.server[i], &at.sa, endpoint_size(&at)), 0);
		assert_int_equal(getsockname(host.server[i], &at.sa, &size), 0);
		assert_int_equal(destinations_add(&host.d, &at, &host.slot[i], NULL), 0);
	}
	assert_int_equal(destinations_map(host.d.fd, NULL), 0);
	return 0;
}

static int end(void **state)
{
	(void)state;
	for (int i = 0; i < SERVERS; i++)
		fd_close(host.server[i]);
	destinations_close(&host.d);
	return 0;
}

struct fixture {
	struct loop loop;
	struct sources sources;
};

static struct fixture fixture;

static int set_up(void **state)
{
	fixture = (struct fixture){0};
	assert_int_equal(names_loop_init(&fixture.loop), 0);
	sources_init(&fixture.sources, &fixture.loop, SOURCES_IDLE_MAX);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	sources_clear(&f->sources);
	names_loop_turn(&f->loop, 0);
	fd_close(f->loop.epoll);
	return 0;
}

static void ignore(void *user)
{
	(void)user;
}

static struct source *take_from(struct fixture *f, int server, unsigned generation)
{
	struct source *source;

	assert_int_equal(
		sources_take(&f->sources, host.slot[server], generation, ignore, f, &source), 0);
	return source;
}

static struct source *take(struct fixture *f)
{
	return take_from(f, 0, GENERATION);
}

static unsigned port_of(const struct source *source)
{
	union endpoint e;
	socklen_t size = sizeof(e);

	assert_int_equal(getsockname(source->watch.fd, &e.sa, &size), 0);
	return endpoint_port(&e);
}

/* Have @n idle sockets to server 0. */
static void fill(struct fixture *f, unsigned n)
{
	struct source *sources[SOURCES_IDLE_MAX];

	for (unsigned i = 0; i < n; i++)
		sources[i] = take(f);
	for (unsigned i = 0; i < n; i++)
		source_release(sources[i]);
	assert_int_equal(f->sources.n_idle, n);
}

static unsigned count(const bool *seen)
{
	unsigned n = 0;

	for (unsigned i = 0; i < PORTS; i++)
		n += seen[i];
	return n;
}

/* 500 a second, for four seconds. */
static void a_slow_client_has_a_new_port_for_each_question(void **state)
{
	static bool seen[PORTS];
	struct fixture *f = *state;
	const unsigned n = 2000;

	for (unsigned i = 0; i < n; i++) {
		struct source *source = take(f);

		assert_int_equal(source->uses, 1);
		seen[port_of(source)] = true;
		source_release(source);
		f->loop.now_ms += 2;
		if (i % (TICK_MS / 2) == 0)
			sources_tick(&f->sources);
	}
	/* The kernel has 28,232 ports by default, and chooses the same one again by chance. */
	if (count(seen) < n * 9 / 10)
		fail_msg("%u ports", count(seen));
}

/* 20,000 a second, for two seconds; 32 are in flight. */
static void of_many_questions_each_chooses_among_many_ports(void **state)
{
	enum { IN_FLIGHT = 32, N = 40000 };
	static bool seen[PORTS];
	struct fixture *f = *state;
	struct source *in_flight[IN_FLIGHT] = {NULL};
	unsigned reused = 0;

	for (unsigned i = 0; i < N; i++) {
		struct source **at = &in_flight[i % IN_FLIGHT];
		unsigned choice = f->sources.n_idle;

		if (*at)
			source_release(*at);
		choice = f->sources.n_idle;
		*at = take(f);
		if ((*at)->uses > 1) {
			reused++;
			assert_true(choice >= SOURCES_CHOICE);
			assert_true((*at)->uses <= SOURCE_USES_MAX);
			assert_true(f->loop.now_ms - (*at)->born_ms < SOURCE_LIFE_MS);
		} else {
			seen[port_of(*at)] = true;
		}
		for (unsigned other = 0; other < IN_FLIGHT; other++)
			assert_true(&in_flight[other] == at || in_flight[other] != *at);
		f->loop.now_ms += i % 20 == 0;
		if (i % (20 * TICK_MS) == 0)
			sources_tick(&f->sources);
	}
	for (unsigned i = 0; i < IN_FLIGHT; i++)
		source_close(in_flight[i]);
	/* Without this, nothing would be gained; and the ports change many times. */
	assert_true(reused > N / 2);
	assert_true(count(seen) > 1000);
}

static void the_choice_is_random(void **state)
{
	struct fixture *f = *state;
	unsigned first = 0, n = 0;
	bool chosen[SOURCES_CHOICE] = {false};

	fill(f, SOURCES_CHOICE);
	for (unsigned i = 0; i < SOURCES_CHOICE * 20; i++) {
		struct source *before[SOURCES_CHOICE], *source;

		memcpy(before, f->sources.idle, sizeof(before));
		source = take(f);
		for (unsigned at = 0; at < SOURCES_CHOICE; at++)
			if (before[at] == source)
				chosen[at] = true;
		first += before[0] == source;
		source->uses = 1;
		source_release(source);
	}
	for (unsigned i = 0; i < SOURCES_CHOICE; i++)
		n += chosen[i];
	/* Each place is missed with a probability of e^-20. */
	assert_int_equal(n, SOURCES_CHOICE);
	assert_true(first < SOURCES_CHOICE * 20 / 4);
}

static void one_less_is_too_few(void **state)
{
	struct fixture *f = *state;
	struct source *source;

	fill(f, SOURCES_CHOICE);
	source = take(f);
	assert_int_equal(source->uses, 2);
	assert_int_equal(f->sources.n_idle, SOURCES_CHOICE - 1);
	source_close(source);
	source = take(f);
	assert_int_equal(source->uses, 1);
	source_close(source);
}

static void only_sockets_to_the_server_are_used(void **state)
{
	struct fixture *f = *state;
	struct source *source;

	fill(f, SOURCES_CHOICE);
	source = take_from(f, 1, GENERATION);
	assert_int_equal(source->uses, 1);
	source_close(source);
	source = take_from(f, 0, GENERATION + 1);
	assert_int_equal(source->uses, 1);
	source_close(source);
}

static void old_and_worn_sockets_are_closed(void **state)
{
	struct fixture *f = *state;
	struct source *source = take(f);

	source->uses = SOURCE_USES_MAX;
	source_release(source);
	assert_int_equal(f->sources.n_idle, 0);
	source = take(f);
	f->loop.now_ms += SOURCE_LIFE_MS;
	source_release(source);
	assert_int_equal(f->sources.n_idle, 0);
	fill(f, SOURCES_IDLE_MAX);
	source = take(f);
	assert_int_equal(source->uses, 2);
	source_close(source);
	f->loop.now_ms += SOURCE_LIFE_MS;
	/* Also before a tick. */
	source = take(f);
	assert_int_equal(source->uses, 1);
	source_close(source);
	sources_tick(&f->sources);
	assert_int_equal(f->sources.n_idle, 0);
}

static void where_descriptors_are_few_none_is_kept(void **state)
{
	struct fixture *f = *state;

	sources_init(&f->sources, &f->loop, 0);
	source_release(take(f));
	assert_int_equal(f->sources.n_idle, 0);
}

static void send_from_server(const struct source *source, const void *p, size_t size)
{
	union endpoint to;
	socklen_t to_size = sizeof(to);

	assert_int_equal(getsockname(source->watch.fd, &to.sa, &to_size), 0);
	assert_int_equal(sendto(host.server[0], p, size, 0, &to.sa, to_size), size);
}

static void an_idle_socket_that_receives_is_closed(void **state)
{
	struct fixture *f = *state;
	struct source *source = take(f);

	source_release(source);
	names_loop_turn(&f->loop, 0);
	assert_int_equal(f->sources.n_idle, 1);
	send_from_server(source, "x", 1);
	names_loop_turn(&f->loop, WAIT_MS);
	assert_int_equal(f->sources.n_idle, 0);
}

/* ---- questions ---- */

static unsigned answers;

static void on_answered(struct attempt *attempt, enum dns_match match, uint8_t *p, size_t size)
{
	(void)p;
	(void)size;
	assert_int_equal(match, DNS_SAME);
	answers++;
	attempt_end(attempt);
}

static void on_failed(struct attempt *attempt)
{
	(void)attempt;
	fail_msg("the attempt failed");
}

/* Ask; the server sends @strangers wrong ids, then the answer. */
static void ask(struct fixture *f, unsigned strangers)
{
	/* "a", type A, class IN; the length for TCP */
	static uint8_t bytes[] = {0, 19, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 'a', 0, 0, 1, 0, 1};
	static const struct attempt_ops ops = {on_answered, on_failed};
	static uint8_t buffer[DNS_MAX_BYTES];
	const struct question question = {sizeof(bytes) - 2, sizeof(bytes) - 2, bytes};
	const struct attempt_spec spec = {
		.sources = &f->sources,
		.ops = &ops,
		.question = &question,
		.buffer = buffer,
		.slot = host.slot[0],
		.generation = GENERATION,
	};
	struct attempt *attempt;
	const unsigned before = answers;
	uint8_t p[sizeof(bytes)];
	ssize_t n;

	assert_int_equal(attempt_start(&spec, &attempt), 0);
	/* A slow machine does not make it old. */
	attempt->source->born_ms = INT64_MAX;
	n = recv(host.server[0], p, sizeof(p), 0);
	assert_int_equal(n, sizeof(bytes) - 2);
	p[2] |= 0x80; /* an answer */
	for (unsigned i = 0; i < strangers; i++) {
		p[0] ^= 1;
		send_from_server(attempt->source, p, (size_t)n);
		p[0] ^= 1;
	}
	send_from_server(attempt->source, p, (size_t)n);
	for (int turn = 0; turn < 3 && answers == before; turn++)
		names_loop_turn(&f->loop, WAIT_MS);
	assert_int_equal(answers, before + 1);
}

static void a_socket_is_kept_after_its_answer_alone(void **state)
{
	struct fixture *f = *state;

	ask(f, 0);
	assert_int_equal(f->sources.n_idle, 1);
	sources_clear(&f->sources);
	ask(f, 1);
	assert_int_equal(f->sources.n_idle, 0);
}

static void ids_are_random(void **state)
{
	static bool seen[PORTS];
	struct fixture *f = *state;
	const unsigned n = 8000;
	unsigned bits[16] = {0};

	for (unsigned i = 0; i < n; i++) {
		uint16_t number;

		assert_int_equal(sources_random(&f->sources, &number), 0);
		seen[number] = true;
		for (unsigned bit = 0; bit < ARRAY_SIZE(bits); bit++)
			bits[bit] += number >> bit & 1;
	}
	/* About 480 are equal to an earlier one. */
	assert_in_range(count(seen), n - 800, n - 200);
	for (unsigned bit = 0; bit < ARRAY_SIZE(bits); bit++)
		assert_in_range(bits[bit], n / 2 - 500, n / 2 + 500);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_slow_client_has_a_new_port_for_each_question),
		TEST(of_many_questions_each_chooses_among_many_ports),
		TEST(the_choice_is_random),
		TEST(one_less_is_too_few),
		TEST(only_sockets_to_the_server_are_used),
		TEST(old_and_worn_sockets_are_closed),
		TEST(where_descriptors_are_few_none_is_kept),
		TEST(an_idle_socket_that_receives_is_closed),
		TEST(a_socket_is_kept_after_its_answer_alone),
		TEST(ids_are_random),
	};

	return cmocka_run_group_tests(tests, start, end);
}

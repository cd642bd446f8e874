/* SPDX-License-Identifier: Apache-2.0 */
/* When a kept process is started again, and when it is given up: on a clock of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>
#include <event2/event.h>
#include <cmocka.h>

#include "fauxroot/base/log.h"
#include "fauxroot/base/str.h"
#include "fauxroot/proc/kept.h"

struct fixture {
	struct event_base *base;
	struct kept kept;
	int fail_with; /* -errno of the next starts; 0: they succeed */
	int starts, losses;
	struct error lost;
};

static int64_t now;

static int64_t fake_now(void)
{
	return now;
}

static int start(void *arg, struct error *err)
{
	struct fixture *f = arg;

	f->starts++;
	return f->fail_with < 0 ? err_set(err, -f->fail_with, "forking it") : 0;
}

static void lose(void *arg, const struct error *err)
{
	struct fixture *f = arg;

	f->losses++;
	f->lost = *err;
}

static const struct kept_ops ops = {
	.name = "the helper",
	.step = STEP_PORT,
	.start = start,
	.lost = lose,
};

static void keep_quiet(void *arg, enum log_level level, const char *message)
{
	(void)arg;
	(void)level;
	(void)message;
}

static int set_up(void **state)
{
	static struct fixture f;

	f = (struct fixture){.base = event_base_new()};
	kept_init(&f.kept, &ops, &f);
	f.kept.now_ms = fake_now;
	kept_supervise(&f.kept, f.base);
	log_redirect(keep_quiet, NULL);
	now = 1;
	*state = &f;
	return f.base ? 0 : -1;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	kept_clear(&f->kept);
	event_base_free(f->base);
	log_redirect(NULL, NULL);
	return 0;
}

/* Let the time pass that the timer is set to. */
static void pass(struct fixture *f)
{
	assert_int_equal(f->kept.state, KEPT_WAITING);
	assert_true(event_pending(&f->kept.timer, EV_TIMEOUT, NULL));
	now += f->kept.delay_ms;
	(void)event_del(&f->kept.timer);
	event_active(&f->kept.timer, EV_TIMEOUT, 0);
	assert_true(event_base_loop(f->base, EVLOOP_NONBLOCK) >= 0);
}

struct death {
	int64_t at_ms;
	int delay_ms; /* -1: lost */
};

static void check_deaths(struct fixture *f, const struct death *deaths, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int starts = f->starts;

		now = deaths[i].at_ms;
		kept_died(&f->kept, "signal 9 (Killed)");
		if (deaths[i].delay_ms < 0) {
			assert_int_equal(f->kept.state, KEPT_LOST);
			assert_int_equal(f->losses, 1);
			assert_int_equal(i, n - 1);
			continue;
		}
		/* Never from within. */
		assert_int_equal(f->starts, starts);
		assert_int_equal(f->kept.delay_ms, deaths[i].delay_ms);
		pass(f);
		assert_int_equal(f->starts, starts + 1);
		assert_int_equal(f->kept.state, KEPT_STARTED);
	}
}

#define CHECK_DEATHS(...)                                                   \
	do {                                                                \
		static const struct death rows[] = {__VA_ARGS__};           \
		check_deaths(*state, rows, sizeof(rows) / sizeof(rows[0])); \
	} while (0)

static void quick_deaths_are_too_many(void **state)
{
	struct fixture *f = *state;

	CHECK_DEATHS({5000, 0}, {5001, 100}, {5200, 500}, {6000, 2000}, {8001, -1});
	assert_string_equal(f->lost.text,
			    "the helper died 5 times in 10 s, the last time: signal 9 (Killed)");
	assert_int_equal(f->lost.step, STEP_PORT);
	/* Whatever happens then, it is lost once. */
	kept_died(&f->kept, "again");
	assert_int_equal(f->losses, 1);
}

static void the_fifth_just_inside_the_window_is_too_much(void **state)
{
	CHECK_DEATHS({1, 0}, {2, 100}, {200, 500}, {1000, 2000}, {10000, -1});
}

/* The first has left the window when the fifth comes. */
static void the_fifth_just_outside_the_window_is_not(void **state)
{
	CHECK_DEATHS({1, 0}, {2, 100}, {200, 500}, {1000, 2000}, {10001, 2000}, {20500, 0});
}

static void deaths_now_and_then_cost_nothing(void **state)
{
	CHECK_DEATHS({1, 0}, {20000, 0}, {40000, 0}, {60000, 0}, {80000, 0}, {100000, 0},
		     {100001, 100}, {130000, 0});
}

static void a_shortage_is_waited_out(void **state)
{
	static const int steps[] = {100, 200, 400, 800, 1600, 3200, 5000, 5000};
	struct fixture *f = *state;

	f->fail_with = -EAGAIN;
	kept_died(&f->kept, "signal 9 (Killed)");
	assert_int_equal(f->kept.delay_ms, 0);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		pass(f);
		assert_int_equal(f->kept.state, KEPT_WAITING);
		assert_int_equal(f->kept.delay_ms, steps[i]);
	}
	/* None of these is a death. */
	assert_int_equal(f->kept.n_deaths, 1);
	f->fail_with = 0;
	pass(f);
	assert_int_equal(f->kept.state, KEPT_STARTED);
	assert_int_equal(f->losses, 0);
	assert_int_equal(f->starts, 9);
	/* The next shortage has its own minute, and begins with small steps. */
	now += 1000000;
	f->fail_with = -EMFILE;
	kept_died(&f->kept, "signal 9 (Killed)");
	pass(f);
	assert_int_equal(f->kept.delay_ms, 100);
}

static void after_a_minute_of_shortage_it_is_lost(void **state)
{
	struct fixture *f = *state;
	int64_t first;

	f->fail_with = -ENOMEM;
	kept_died(&f->kept, "signal 9 (Killed)");
	first = now;
	while (f->kept.state == KEPT_WAITING)
		pass(f);
	assert_int_equal(f->losses, 1);
	assert_true(now - first >= KEPT_PATIENCE_MS && now - first <= KEPT_PATIENCE_MS + 5000);
	assert_string_equal(f->lost.text, "starting the helper again failed for 60 s, the last "
					  "time: forking it: Cannot allocate memory");
	assert_int_equal(f->lost.step, STEP_PORT);
	assert_int_equal(f->lost.code, ENOMEM);
}

/* What is no shortage is a death. */
static void a_start_that_fails_otherwise_counts(void **state)
{
	struct fixture *f = *state;

	f->fail_with = -ENOENT;
	kept_died(&f->kept, "exit status 1");
	for (int i = 0; i < KEPT_DEATHS - 1; i++)
		pass(f);
	assert_int_equal(f->losses, 1);
	assert_int_equal(f->starts, KEPT_DEATHS - 1);
	assert_string_equal(f->lost.text, "the helper died 5 times in 10 s, the last time: forking "
					  "it: No such file or directory");
}

static void shortages_are_known(void **state)
{
	static const int passing[] = {EAGAIN, EMFILE, ENFILE, ENOMEM, ENOBUFS, ENOSPC, ETIMEDOUT};
	static const int lasting[] = {0, EPERM, ENOENT, EPIPE, ECONNRESET, EPROTO, EINVAL};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(passing); i++)
		assert_true(kept_is_shortage(-passing[i]));
	for (size_t i = 0; i < ARRAY_SIZE(lasting); i++)
		assert_false(kept_is_shortage(-lasting[i]));
}

static void the_first_stop_is_undone(void **state)
{
	struct fixture *f = *state;

	assert_true(kept_stopped(&f->kept));
	now += KEPT_WINDOW_MS - 1;
	assert_false(kept_stopped(&f->kept));
	/* Later it is the first again, and so it is for the next process. */
	now += KEPT_WINDOW_MS;
	assert_true(kept_stopped(&f->kept));
	kept_died(&f->kept, "signal 9 (Killed)");
	pass(f);
	assert_true(kept_stopped(&f->kept));
}

static void what_was_started_otherwise_is_not_started_twice(void **state)
{
	struct fixture *f = *state;

	kept_died(&f->kept, "exit status 0");
	/* A second report of the same death. */
	kept_died(&f->kept, "exit status 0");
	assert_int_equal(f->kept.n_deaths, 1);
	kept_restarted(&f->kept);
	assert_int_equal(f->kept.state, KEPT_STARTED);
	assert_false(event_pending(&f->kept.timer, EV_TIMEOUT, NULL));
	assert_int_equal(f->starts, 0);
}

static void without_a_loop_it_is_lost(void **state)
{
	struct fixture *f = *state;

	kept_clear(&f->kept);
	kept_died(&f->kept, "exit status 0");
	assert_int_equal(f->losses, 1);
	kept_clear(&f->kept);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(quick_deaths_are_too_many),
		TEST(the_fifth_just_inside_the_window_is_too_much),
		TEST(the_fifth_just_outside_the_window_is_not),
		TEST(deaths_now_and_then_cost_nothing),
		TEST(a_shortage_is_waited_out),
		TEST(after_a_minute_of_shortage_it_is_lost),
		TEST(a_start_that_fails_otherwise_counts),
		TEST(shortages_are_known),
		TEST(the_first_stop_is_undone),
		TEST(what_was_started_otherwise_is_not_started_twice),
		TEST(without_a_loop_it_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

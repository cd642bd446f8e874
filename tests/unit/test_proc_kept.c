/* SPDX-License-Identifier: Apache-2.0 */
/* When a kept process is restarted, and when it is given up, with a simulated clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <string.h>
#include <event2/event.h>
#include <cmocka.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/log.h"
#include "fauxroot/base/spawn.h"
#include "fauxroot/base/str.h"
#include "fauxroot/proc/children.h"
#include "fauxroot/proc/kept.h"

struct fixture {
	struct event_base *base;
	struct kept kept;
	struct children children;
	int fail_with; /* -errno of the next starts; 0: they succeed */
	int starts, losses;
	struct process process;
	int ended_with;	 /* the wait status that ended() got */
	const char *why; /* the reason that ended() sets; NULL: none */
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

static void put_away(void *arg, int status, char *why, size_t size)
{
	struct fixture *f = arg;

	f->ended_with = status;
	if (f->why)
		(void)str_print(why, size, "%s", f->why);
}

static const struct kept_ops ops = {
	.name = "the helper",
	.step = STEP_PORT,
	.start = start,
	.ended = put_away,
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

	f = (struct fixture){.base = event_base_new(), .process = PROCESS_NONE, .ended_with = -1};
	children_open(&f.children);
	kept_init(&f.kept, &ops, &f);
	f.kept.now_ms = fake_now;
	kept_supervise(&f.kept, f.base, &f.children);
	log_redirect(keep_quiet, NULL);
	now = 1;
	*state = &f;
	return f.base ? 0 : -1;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	kept_clear(&f->kept);
	process_kill(&f->process);
	children_close(&f->children);
	event_base_free(f->base);
	log_redirect(NULL, NULL);
	return 0;
}

/* Advance the clock by the delay of the timer. */
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
	int delay_ms; /* -1: given up */
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
		/* Never within the call. */
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

static void five_quick_deaths_are_too_many(void **state)
{
	struct fixture *f = *state;

	CHECK_DEATHS({5000, 0}, {5001, 100}, {5200, 500}, {6000, 2000}, {8001, -1});
	assert_string_equal(f->lost.text,
			    "the helper died 5 times in 10 s, the last time: signal 9 (Killed)");
	assert_int_equal(f->lost.step, STEP_PORT);
	/* It is given up only once, whatever happens afterwards. */
	kept_died(&f->kept, "again");
	assert_int_equal(f->losses, 1);
}

static void a_fifth_death_inside_the_window_gives_up(void **state)
{
	CHECK_DEATHS({1, 0}, {2, 100}, {200, 500}, {1000, 2000}, {10000, -1});
}

/* The first death is outside the window at the time of the fifth. */
static void a_fifth_death_outside_the_window_restarts(void **state)
{
	CHECK_DEATHS({1, 0}, {2, 100}, {200, 500}, {1000, 2000}, {10001, 2000}, {20500, 0});
}

/* With limits of its own. */
static void a_third_death_in_a_minute_gives_up(void **state)
{
	struct kept_ops strict = ops;
	struct fixture *f = *state;

	strict.deaths = 3;
	strict.window_ms = 60000;
	f->kept.ops = &strict;
	CHECK_DEATHS({1, 0}, {30000, 100}, {60001, 100}, {60002, -1});
	assert_string_equal(f->lost.text,
			    "the helper died 3 times in 60 s, the last time: signal 9 (Killed)");
}

/* It is restarted without end. The delays begin anew after a life of ten seconds. */
static void a_persistent_process_is_never_given_up(void **state)
{
	struct kept_ops persistent = ops;
	struct fixture *f = *state;

	persistent.persistent = true;
	f->kept.ops = &persistent;
	CHECK_DEATHS({1, 0}, {2, 100}, {200, 500}, {1000, 2000}, {3500, 5000}, {8501, 5000},
		     {23499, 5000}, {38499, 0}, {38500, 100});
	/* Starts that fail, too. */
	f->fail_with = -ENOENT;
	kept_died(&f->kept, "exit status 1");
	for (int i = 0; i < 20; i++)
		pass(f);
	assert_int_equal(f->kept.delay_ms, 5000);
	f->fail_with = -ENOMEM;
	for (int i = 0; i < 100; i++)
		pass(f);
	assert_int_equal(f->kept.delay_ms, 5000);
	f->fail_with = 0;
	pass(f);
	assert_int_equal(f->kept.state, KEPT_STARTED);
	assert_int_equal(f->losses, 0);
}

static void rare_deaths_restart_at_once(void **state)
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
	/* The next shortage has its own minute, and starts with short delays again. */
	now += 1000000;
	f->fail_with = -EMFILE;
	kept_died(&f->kept, "signal 9 (Killed)");
	pass(f);
	assert_int_equal(f->kept.delay_ms, 100);
}

static void a_minute_of_shortage_gives_up(void **state)
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
	assert_string_equal(f->lost.text, "restarting the helper failed for 60 s, the last "
					  "time: forking it: Cannot allocate memory");
	assert_int_equal(f->lost.step, STEP_PORT);
	assert_int_equal(f->lost.code, ENOMEM);
}

/* Other errors are deaths. */
static void other_start_failures_count_as_deaths(void **state)
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

static void shortages_are_recognized(void **state)
{
	static const int passing[] = {EAGAIN,  EMFILE, ENFILE,	  ENOMEM,
				      ENOBUFS, ENOSPC, ETIMEDOUT, ETOOMANYREFS};
	static const int lasting[] = {0, EPERM, ENOENT, EPIPE, ECONNRESET, EPROTO, EINVAL};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(passing); i++)
		assert_true(kept_is_shortage(-passing[i]));
	for (size_t i = 0; i < ARRAY_SIZE(lasting); i++)
		assert_false(kept_is_shortage(-lasting[i]));
}

/* Of the errors that require a new process, only the timeout is also a shortage. */
static void errors_of_a_gone_process_are_recognized(void **state)
{
	static const int gone[] = {EPIPE, ECONNRESET, ETIMEDOUT, EPROTO};
	static const int refused[] = {0, ENOENT, ENOSPC, EMFILE, EINVAL, ECANCELED};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(gone); i++)
		assert_true(kept_is_gone(-gone[i]));
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		assert_false(kept_is_gone(-refused[i]));
}

static void the_first_stop_is_continued(void **state)
{
	struct fixture *f = *state;

	assert_true(kept_stopped(&f->kept));
	now += KEPT_WINDOW_MS - 1;
	assert_false(kept_stopped(&f->kept));
	/* Later, and for the next process, a stop counts as the first again. */
	now += KEPT_WINDOW_MS;
	assert_true(kept_stopped(&f->kept));
	kept_died(&f->kept, "signal 9 (Killed)");
	pass(f);
	assert_true(kept_stopped(&f->kept));
}

static void no_second_start_after_a_start_by_the_owner(void **state)
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

static void without_a_loop_it_is_given_up(void **state)
{
	struct fixture *f = *state;

	kept_clear(&f->kept);
	kept_died(&f->kept, "exit status 0");
	assert_int_equal(f->losses, 1);
	kept_clear(&f->kept);
}

static void run(struct process *ret)
{
	struct error err;
	int rc = process_fork("the helper", ret, &err);

	if (rc == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	assert_int_equal(rc, 1);
}

static void reap_until(struct fixture *f, bool (*reported)(const struct fixture *f))
{
	struct deadline deadline = deadline_in(30000);

	while (children_reap(&f->children), !reported(f))
		assert_true(deadline_left(&deadline) > 0);
}

static bool has_died(const struct fixture *f)
{
	return f->process.pid <= 0;
}

static bool was_stopped(const struct fixture *f)
{
	return f->kept.stopped_ms >= 0;
}

static void its_exit_counts_as_a_death(void **state)
{
	struct fixture *f = *state;

	run(&f->process);
	kept_watch(&f->kept, &f->process);
	process_signal(&f->process, SIGKILL);
	reap_until(f, has_died);
	assert_true(WIFSIGNALED(f->ended_with) && WTERMSIG(f->ended_with) == SIGKILL);
	assert_int_equal(f->kept.n_deaths, 1);
	pass(f);
	assert_int_equal(f->starts, 1);
	assert_int_equal(f->process.pidfd, -1);
}

static void the_owner_may_set_the_reason_of_death(void **state)
{
	struct fixture *f = *state;

	f->why = "it hung";
	for (int i = 0; i < KEPT_DEATHS; i++) {
		run(&f->process);
		kept_watch(&f->kept, &f->process);
		process_signal(&f->process, SIGKILL);
		reap_until(f, has_died);
		if (i + 1 < KEPT_DEATHS)
			pass(f);
	}
	assert_int_equal(f->losses, 1);
	assert_string_equal(f->lost.text,
			    "the helper died 5 times in 10 s, the last time: it hung");
}

static void a_stopped_process_is_continued_then_killed(void **state)
{
	struct fixture *f = *state;

	run(&f->process);
	kept_watch(&f->kept, &f->process);
	process_signal(&f->process, SIGSTOP);
	reap_until(f, was_stopped);
	/* It runs, so it can be stopped again, and is then killed. */
	process_signal(&f->process, SIGSTOP);
	reap_until(f, has_died);
	assert_true(WIFSIGNALED(f->ended_with) && WTERMSIG(f->ended_with) == SIGKILL);
	assert_int_equal(f->kept.n_deaths, 1);
}

static void the_exit_of_a_follower_is_no_death(void **state)
{
	struct fixture *f = *state;
	struct process leader = PROCESS_NONE;
	struct error err;
	int rc;

	run(&leader);
	kept_follow(&f->kept, &leader);
	rc = process_fork("the helper", &f->process, &err);
	if (rc == 0)
		_exit(0);
	assert_int_equal(rc, 1);
	kept_watch(&f->kept, &f->process);
	process_signal(&leader, SIGKILL);
	reap_until(f, has_died);
	assert_int_equal(f->kept.n_deaths, 0);
	assert_int_equal(f->kept.state, KEPT_STARTED);
	process_kill(&leader);
}

static void nothing_is_reported_after_clear(void **state)
{
	struct fixture *f = *state;

	run(&f->process);
	kept_watch(&f->kept, &f->process);
	kept_clear(&f->kept);
	process_signal(&f->process, SIGKILL);
	process_forget(&f->process);
	while (f->children.n > 0)
		children_reap(&f->children);
	assert_int_equal(f->ended_with, -1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(five_quick_deaths_are_too_many),
		TEST(a_fifth_death_inside_the_window_gives_up),
		TEST(a_fifth_death_outside_the_window_restarts),
		TEST(a_third_death_in_a_minute_gives_up),
		TEST(a_persistent_process_is_never_given_up),
		TEST(rare_deaths_restart_at_once),
		TEST(a_shortage_is_waited_out),
		TEST(a_minute_of_shortage_gives_up),
		TEST(other_start_failures_count_as_deaths),
		TEST(shortages_are_recognized),
		TEST(errors_of_a_gone_process_are_recognized),
		TEST(the_first_stop_is_continued),
		TEST(no_second_start_after_a_start_by_the_owner),
		TEST(without_a_loop_it_is_given_up),
		TEST(its_exit_counts_as_a_death),
		TEST(the_owner_may_set_the_reason_of_death),
		TEST(a_stopped_process_is_continued_then_killed),
		TEST(the_exit_of_a_follower_is_no_death),
		TEST(nothing_is_reported_after_clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

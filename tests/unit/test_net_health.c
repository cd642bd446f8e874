/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Detection of a hanging helper: the decision alone, and checks of a real TAP device in a child's
 * network namespace. This test is the reader of the device.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cmocka.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/net/link.h"
#include "fauxroot/sys/message.h"
#include "fauxroot/net/net.h"
#include "net/slirp4netns/slirp4netns.h"
#include "net/helper/health.h"
#include "netns_fixture.h"

static void four_checks_without_progress_mean_hung(void **state)
{
	/* One character for each check: '+' frames were read since the last check, '=' none; '.'
	 * none, and no frame can be sent. */
	static const struct {
		const char *checks;
		bool hung; /* at any check */
	} rows[] = {
		{"=", false},	    {"===", false},    {"====", true},	     {"====+", true},
		{"=+=+=+", false},  {"===+===", true}, {"===+==+==", false}, {"===+====", true},
		{"=.====", true},   {"......", false}, {"=.=.=.=.", false},  {"..===", false},
		{"++++====", true}, {"++++===", true}, {"++++==", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct net_health health = NET_HEALTH_NONE;
		uint64_t taken = 7;
		bool hung = false;

		for (const char *check = rows[i].checks; *check; check++) {
			taken += *check == '+';
			hung = net_health_note(&health, *check != '.', taken) || hung;
		}
		if (hung != rows[i].hung)
			fail_msg("%s", rows[i].checks);
	}
}

static struct net_plan plan_of_tap(void)
{
	struct net_plan plan = {.own_netns = true, .ifname = "tap0", .mtu = 1500, .prefix = 24};

	inet_pton(AF_INET, "10.0.2.100", &plan.address);
	inet_pton(AF_INET, "10.0.2.2", &plan.gateway);
	return plan;
}

/* ns_job.run: make and configure the device; send its descriptor over the socket @arg. */
static int make_tap(void *arg, struct error *err)
{
	struct net_plan plan = plan_of_tap();
	_cleanup_close_ int tap = -1;
	bool created;
	int rc = tap_open(plan.ifname, &tap, &created, err);

	if (rc == 0)
		rc = link_configure(&plan, err);
	return rc < 0 ? rc : message_send(*(int *)arg, "", 1, &tap, 1);
}

static int tap_of(const struct ns_set *ns)
{
	struct deadline deadline = deadline_in(60000);
	struct error err = {0};
	int pair[2], tap = -1;
	size_t n = 1;
	char byte;
	struct ns_job job = {.name = "test",
			     .which = NS_JOIN_NET,
			     .run = make_tap,
			     .arg = &pair[1],
			     .keep = &pair[1],
			     .n_keep = 1};

	assert_int_equal(message_pair(pair), 0);
	if (ns_run(ns, &job, &deadline, -1, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(message_recv(pair[0], &byte, 1, &tap, &n), 1);
	assert_int_equal(n, 1);
	assert_int_equal(fcntl(tap, F_SETFL, O_NONBLOCK), 0);
	fd_close(pair[0]);
	fd_close(pair[1]);
	return tap;
}

static unsigned take_frames(int tap)
{
	char frame[2048];
	unsigned n = 0;

	while (read(tap, frame, sizeof(frame)) > 0)
		n++;
	return n;
}

static void checks_of_a_device(void **state)
{
	struct fixture *f = *state;
	struct net net = {.driver = &net_driver_slirp4netns,
			  .ns = &f->ns,
			  .holder = NS_HOLDER_NONE,
			  .plan = plan_of_tap(),
			  .cancel_fd = -1};
	struct net_health health = NET_HEALTH_NONE;
	int tap = tap_of(&f->ns);

	/* A reader that is late does not hang. */
	for (int i = 0; i < 3 * NET_HEALTH_SILENT_MAX; i++) {
		assert_false(net_health_is_hung(&health, &net));
		assert_false(health.given_up);
		assert_true(health.probed);
		if (i % 2)
			assert_true(take_frames(tap) > 0);
	}
	take_frames(tap);
	assert_false(net_health_is_hung(&health, &net));
	for (int i = 1; i < NET_HEALTH_SILENT_MAX; i++)
		assert_false(net_health_is_hung(&health, &net));
	assert_true(net_health_is_hung(&health, &net));
	assert_true(take_frames(tap) > 0);
	assert_false(net_health_is_hung(&health, &net));
	/* A device that was removed is no evidence. */
	tap_discard(tap);
	fd_close(tap);
	for (int i = 0; i < 2 * NET_HEALTH_SILENT_MAX; i++)
		assert_false(net_health_is_hung(&health, &net));
	assert_false(health.probed);
	net_health_clear(&health);
	/* A device that never existed is not, either. */
	assert_false(net_health_is_hung(&health, &net));
	assert_true(health.given_up);
	net_health_clear(&health);
}

/* A shortage of descriptors ends, so it never ends the checks. */
static void a_shortage_of_descriptors_only_delays_the_checks(void **state)
{
	struct fixture *f = *state;
	struct net net = {.driver = &net_driver_slirp4netns,
			  .ns = &f->ns,
			  .holder = NS_HOLDER_NONE,
			  .plan = plan_of_tap(),
			  .cancel_fd = -1};
	struct net_health health = NET_HEALTH_NONE;
	int tap = tap_of(&f->ns), lowest = dup(tap), free = 0;
	struct rlimit saved;

	fd_close(lowest);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &saved), 0);
	for (; free < 64 && health.frames < 0; free++) {
		struct rlimit few = {(rlim_t)(lowest + free), saved.rlim_max};

		assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
		assert_false(net_health_is_hung(&health, &net));
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &saved), 0);
		if (health.given_up)
			fail_msg("gives up with room for %d", free);
	}
	assert_true(health.frames >= 0);
	assert_in_range(free, 2, 63);
	net_health_clear(&health);
	fd_close(tap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(four_checks_without_progress_mean_hung),
		cmocka_unit_test_setup_teardown(a_shortage_of_descriptors_only_delays_the_checks,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(checks_of_a_device, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

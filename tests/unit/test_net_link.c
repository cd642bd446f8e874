/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Links, addresses, routes and the TAP device with the real kernel, in a child's network namespace,
 * as the user of the tests. Jobs run in ns_run(): a failed check there is returned as an error.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <cmocka.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/net/link.h"
#include "fauxroot/net/net.h"
#include "netns_fixture.h"

static int run_in(const struct fixture *f, int (*run)(void *arg, struct error *err), void *arg,
		  struct error *err)
{
	const struct ns_job job = {.name = "test", .which = NS_JOIN_NET, .run = run, .arg = arg};
	struct deadline deadline = deadline_in(60000);

	*err = (struct error){0};
	return ns_run(&f->ns, &job, &deadline, -1, err);
}

/* A check in the runner: its failure is returned as the job's error. */
#define EXPECT(err, condition)                                                           \
	do {                                                                             \
		if (!(condition))                                                        \
			return err_say(err, EBADE, "line %d: %s", __LINE__, #condition); \
	} while (0)

static bool has_address(const char *ifname, int family, const char *expected)
{
	struct ifaddrs *all = NULL;
	bool found = false;

	if (getifaddrs(&all) < 0)
		return false;
	for (const struct ifaddrs *a = all; a; a = a->ifa_next) {
		const void *address;
		char text[INET6_ADDRSTRLEN];

		if (!a->ifa_addr || a->ifa_addr->sa_family != family ||
		    strcmp(a->ifa_name, ifname) != 0)
			continue;
		address = family == AF_INET
				  ? (const void *)&(
					    (const struct sockaddr_in *)(const void *)a->ifa_addr)
					    ->sin_addr
				  : (const void *)&(
					    (const struct sockaddr_in6 *)(const void *)a->ifa_addr)
					    ->sin6_addr;
		if (strcmp(inet_ntop(family, address, text, sizeof(text)), expected) == 0)
			found = true;
	}
	freeifaddrs(all);
	return found;
}

/* Flags and MTU of a link; 0: no such link. */
static unsigned link_flags(const char *ifname, int *ret_mtu)
{
	_cleanup_close_ int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {0};
	unsigned flags;

	strncpy(request.ifr_name, ifname, sizeof(request.ifr_name) - 1);
	if (sock < 0 || ioctl(sock, SIOCGIFFLAGS, &request) < 0)
		return 0;
	flags = (unsigned short)request.ifr_flags;
	if (ret_mtu)
		*ret_mtu = ioctl(sock, SIOCGIFMTU, &request) < 0 ? -1 : request.ifr_mtu;
	return flags;
}

/* Does a line of @path begin with @start? */
static bool proc_line(const char *path, const char *start)
{
	_cleanup_free_ char *text = NULL;

	if (file_read_bounded(AT_FDCWD, path, 1 << 20, &text, NULL) < 0)
		return false;
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, start, strlen(start)) == 0)
			return true;
	}
	return false;
}

static int loopback_job(void *arg, struct error *err)
{
	int rc;

	(void)arg;
	EXPECT(err, !(link_flags("lo", NULL) & IFF_UP));
	rc = link_up_loopback(err);
	if (rc < 0)
		return rc;
	EXPECT(err, link_flags("lo", NULL) & IFF_UP);
	EXPECT(err, has_address("lo", AF_INET, "127.0.0.1"));
	return link_up_loopback(err);
}

static void loopback_is_brought_up(void **state)
{
	struct error err;

	assert_int_equal(run_in(*state, loopback_job, NULL, &err), 0);
}

static struct net_plan plan_of(const char *ifname, unsigned mtu, bool ipv6)
{
	struct net_plan plan = {.mtu = mtu, .prefix = 25, .ipv6 = ipv6};

	strncpy(plan.ifname, ifname, sizeof(plan.ifname) - 1);
	inet_pton(AF_INET, "192.168.7.228", &plan.address);
	inet_pton(AF_INET, "192.168.7.130", &plan.gateway);
	inet_pton(AF_INET6, "fd00::100", &plan.address6);
	inet_pton(AF_INET6, "fd00::2", &plan.gateway6);
	return plan;
}

static int expect_configured(const struct net_plan *plan, struct error *err)
{
	int mtu = 0;

	EXPECT(err, link_flags(plan->ifname, &mtu) & IFF_UP);
	EXPECT(err, mtu == (int)plan->mtu);
	EXPECT(err, has_address(plan->ifname, AF_INET, "192.168.7.228"));
	/* Destination and gateway are hexadecimal, in host byte order. */
	if (htonl(1) != 1) {
		EXPECT(err, proc_line("/proc/self/net/route", "tap7\t00000000\t8207A8C0\t0003"));
		EXPECT(err, proc_line("/proc/self/net/route", "tap7\t8007A8C0\t00000000\t0001"));
	}
	if (!plan->ipv6)
		return 0;
	EXPECT(err, has_address(plan->ifname, AF_INET6, "fd00::100"));
	EXPECT(err, proc_line("/proc/self/net/ipv6_route", "00000000000000000000000000000000 00 "
							   "00000000000000000000000000000000 00 "
							   "fd000000000000000000000000000002 "));
	return 0;
}

/* The device is made, configured, closed, and opened again with the same configuration. */
static int tap_job(void *arg, struct error *err)
{
	const struct net_plan *plan = arg;
	bool created = false;
	int tap = -1, other = -1;
	int rc = tap_open(plan->ifname, &tap, &created, err);

	if (rc < 0)
		return rc;
	EXPECT(err, created);
	EXPECT(err, fcntl(tap, F_GETFD) & FD_CLOEXEC);
	EXPECT(err, tap_open(plan->ifname, &other, &created, NULL) == -EBUSY);
	EXPECT(err, other == -1);
	for (int i = 0; i < 2; i++) {
		rc = link_configure(plan, err);
		if (rc == 0)
			rc = expect_configured(plan, err);
		if (rc < 0)
			return rc;
	}
	close(tap);
	rc = tap_open(plan->ifname, &tap, &created, err);
	if (rc < 0)
		return rc;
	EXPECT(err, !created);
	rc = expect_configured(plan, err);
	if (rc < 0)
		return rc;
	tap_discard(tap);
	close(tap);
	EXPECT(err, if_nametoindex(plan->ifname) == 0);
	return 0;
}

static void a_tap_device_is_configured_for_each_mtu(void **state)
{
	static const unsigned mtus[] = {65520, 65521, 1500, 1280, 68};

	for (size_t i = 0; i < ARRAY_SIZE(mtus); i++) {
		struct net_plan plan = plan_of("tap7", mtus[i], mtus[i] >= 1280);
		struct error err;

		if (run_in(*state, tap_job, &plan, &err) < 0)
			fail_msg("MTU %u: %s", mtus[i], err.text);
	}
}

static int refused_job(void *arg, struct error *err)
{
	const struct net_plan *plan = arg;
	bool created;
	int tap;
	int rc = tap_open("tap7", &tap, &created, err);

	return rc < 0 ? rc : link_configure(plan, err);
}

/* The error has the step, the link, and the kernel's reason. */
static void errors_of_the_kernel_are_reported(void **state)
{
	struct net_plan plan = plan_of("tap7", 65522, false);
	struct error err;

	assert_int_equal(run_in(*state, refused_job, &plan, &err), -EINVAL);
	assert_int_equal(err.step, STEP_NET);
	assert_non_null(strstr(err.text, "configuring tap7: bringing the link up: "));
	assert_non_null(strstr(err.text, "mtu greater than device maximum"));

	plan = plan_of("tap7", 1500, false);
	inet_pton(AF_INET, "10.9.9.9", &plan.gateway);
	assert_int_equal(run_in(*state, refused_job, &plan, &err), -ENETUNREACH);
	assert_non_null(strstr(err.text, "setting the default route"));

	plan = plan_of("none7", 1500, false);
	assert_int_equal(run_in(*state, refused_job, &plan, &err), -ENODEV);
	assert_non_null(strstr(err.text, "configuring none7"));
}

static int not_a_tap_job(void *arg, struct error *err)
{
	bool created;
	int tap;

	(void)arg;
	return tap_open("lo", &tap, &created, err);
}

static void a_link_that_is_no_tap_device_is_refused(void **state)
{
	struct error err;

	assert_int_equal(run_in(*state, not_a_tap_job, NULL, &err), -EINVAL);
	assert_int_equal(err.step, STEP_NET);
	assert_int_equal(err.reason, REASON_DEVICE);
	assert_string_equal(err.about, "/dev/net/tun");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(loopback_is_brought_up, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_tap_device_is_configured_for_each_mtu, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(errors_of_the_kernel_are_reported, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_link_that_is_no_tap_device_is_refused, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <cmocka.h>

#include "fauxroot/base/macro.h"
#include "fauxroot/config/range.h"

static void ranges_contain_their_addresses(void **state)
{
	static const struct {
		const char *range, *address;
		bool contained;
	} cases[] = {
		{"10.0.0.0/8", "10.255.255.255", true},
		{"10.0.0.0/8", "11.0.0.0", false},
		{"10.0.0.0/8", "9.255.255.255", false},
		{"192.0.2.7", "192.0.2.7", true},
		{"192.0.2.7", "192.0.2.6", false},
		{"192.0.2.6/31", "192.0.2.7", true},
		{"0.0.0.0/0", "203.0.113.1", true},
		{"0.0.0.0/0", "2001:db8::1", false},
		{"::/0", "2001:db8::1", true},
		{"::/0", "203.0.113.1", false},
		{"2001:db8::/32", "2001:db8:ffff::1", true},
		{"2001:db8::/32", "2001:db9::1", false},
		{"2001:db8::8/125", "2001:db8::f", true},
		{"2001:db8::8/125", "2001:db8::10", false},
		{"2001:db8::1", "2001:db8::1", true},
		{"2001:db8::1", "2001:db8::2", false},
		/* endpoint_of() turns it into the IPv4 address. */
		{"10.0.0.0/8", "::ffff:10.1.2.3", true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct address_range range;
		union endpoint e;

		assert_int_equal(range_parse(cases[i].range, &range), 0);
		assert_int_equal(endpoint_of(cases[i].address, 80, &e), 0);
		assert_int_equal(range_contains(&range, &e), cases[i].contained);
	}
}

static void other_texts_are_refused(void **state)
{
	static const char *const cases[] = {
		"",
		"/",
		"/8",
		"10.0.0.0/",
		"10.0.0.0/33",
		"10.0.0.1/8",
		"10.0.0.0/8x",
		"10.0.0.0/-1",
		"10.0.0/8",
		"10.0.0.0 /8",
		"10.0.0.0/8/8",
		"2001:db8::1/32",
		"2001:db8::/129",
		"::ffff:1.2.3.4",
		"localhost",
		"010.0.0.0/8",
		"fe80::1%lo",
		"10.0.0.0/4294967304",
		"1:2:3:4:5:6:7:8:9:10:11:12:13:14:15:16:17:18:19:20",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct address_range range = {.prefix = 77};

		assert_int_equal(range_parse(cases[i], &range), -EINVAL);
		assert_int_equal(range.prefix, 77);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_contain_their_addresses),
		cmocka_unit_test(other_texts_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

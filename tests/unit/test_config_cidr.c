/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <errno.h>
#include <cmocka.h>

#include "fauxroot/config/cidr.h"

static void networks_are_parsed(void **state)
{
	static const struct {
		const char *text;
		uint32_t address; /* host byte order */
		unsigned prefix;
	} cases[] = {
		{"10.0.2.0/24", 0x0a000200, 24},      {"10.0.2.128/25", 0x0a000280, 25},
		{"192.168.0.0/16", 0xc0a80000, 16},   {"172.16.0.0/12", 0xac100000, 12},
		{"128.0.0.0/1", 0x80000000, 1},	      {"0.0.0.0/1", 0, 1},
		{"255.255.255.0/24", 0xffffff00, 24},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct cidr cidr;

		assert_int_equal(cidr_parse(cases[i].text, &cidr), 0);
		assert_int_equal(ntohl(cidr.address.s_addr), cases[i].address);
		assert_int_equal(cidr.prefix, cases[i].prefix);
	}
}

static void other_texts_are_refused(void **state)
{
	static const char *const cases[] = {
		"",
		"/",
		"10.0.2.0",
		"10.0.2.0/",
		"10.0.2.0/0",
		"0.0.0.0/0",
		"10.0.2.0/26",
		"10.0.2.0/32",
		"10.0.2.0/33",
		"10.0.2.0/4294967320",
		"10.0.2.0/18446744073709551640",
		"10.0.2.0/-24",
		"10.0.2.0/+24",
		"10.0.2.0/024",
		"10.0.2.0/24 ",
		"10.0.2.0/24x",
		"10.0.2.0/24/24",
		" 10.0.2.0/24",
		"10.0.2.0 /24",
		"10.0.2.100/24",
		"10.0.2.1/24",
		"10.0.2.64/25",
		"10.0.2.0/22",
		"10.0.2/24",
		"10.0.2./24",
		".10.0.2.0/24",
		"10..2.0/24",
		"10.0.2.0.0/24",
		"256.0.0.0/8",
		"10.0.256.0/24",
		"010.0.2.0/24",
		"10.0.02.0/24",
		"0x0a.0.2.0/24",
		"10.0.2.0/255.255.255.0",
		"fd00::/64",
		"::ffff:10.0.2.0/24",
		"localhost/24",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct cidr cidr = {.prefix = 99};

		if (cidr_parse(cases[i], &cidr) != -EINVAL)
			fail_msg("\"%s\" is taken", cases[i]);
		assert_int_equal(cidr.prefix, 99);
	}
}

static void hosts_are_counted_from_the_network(void **state)
{
	struct cidr cidr;

	(void)state;
	assert_int_equal(cidr_parse("10.0.2.128/25", &cidr), 0);
	assert_int_equal(cidr_host(&cidr, 2).s_addr, inet_addr("10.0.2.130"));
	assert_int_equal(cidr_host(&cidr, 3).s_addr, inet_addr("10.0.2.131"));
	assert_int_equal(cidr_host(&cidr, 100).s_addr, inet_addr("10.0.2.228"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(networks_are_parsed),
		cmocka_unit_test(other_texts_are_refused),
		cmocka_unit_test(hosts_are_counted_from_the_network),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

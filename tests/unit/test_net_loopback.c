/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of the host's loopback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <cmocka.h>

#include "fauxroot/base/macro.h"
#include "net/slirp4netns/loopback.h"

union any {
	struct sockaddr sa;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t address_of(const char *text, uint16_t port, union any *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (inet_pton(AF_INET, text, &ret->v4.sin_addr) == 1) {
		ret->v4.sin_family = AF_INET;
		ret->v4.sin_port = htons(port);
		return sizeof(ret->v4);
	}
	assert_int_equal(inet_pton(AF_INET6, text, &ret->v6.sin6_addr), 1);
	ret->v6.sin6_family = AF_INET6;
	ret->v6.sin6_port = htons(port);
	return sizeof(ret->v6);
}

static void addresses_of_the_loopback_are_recognized(void **state)
{
	static const struct {
		const char *address;
		bool expected;
	} table[] = {
		{"127.0.0.1", true},
		{"127.0.0.0", true},
		{"127.255.255.255", true},
		{"0.0.0.0", true},
		{"0.1.2.3", true},
		{"126.255.255.255", false},
		{"128.0.0.0", false},
		{"1.0.0.127", false},
		{"10.0.2.2", false},
		{"192.0.2.127", false},
		{"255.255.255.255", false},
		{"::1", true},
		{"::", true},
		{"::2", true},
		{"::127.0.0.1", true},
		{"::ffff:127.0.0.1", true},
		{"::ffff:127.5.5.5", true},
		{"::ffff:0.0.0.0", true},
		{"::ffff:192.0.2.1", false},
		{"::ffff:128.0.0.1", false},
		{"::fffe:127.0.0.1", false},
		{"1::1", false},
		{"0:0:0:0:0:1:0:1", false},
		{"100::", false},
		{"fd00::2", false},
		{"fe80::1", false},
		{"2001:db8::7f00:1", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		union any a;
		socklen_t size = address_of(table[i].address, 80, &a);

		print_message("%s\n", table[i].address);
		assert_int_equal(loopback_reaches(&a.sa, size), table[i].expected);
	}
}

/* Exactly @size bytes on the heap: a sanitizer detects reads past the end. */
static bool reaches_cut(const union any *a, size_t size)
{
	struct sockaddr *cut = malloc(MAX(size, 1U));
	bool result;

	assert_non_null(cut);
	memcpy(cut, a, size);
	result = loopback_reaches(cut, (socklen_t)size);
	free(cut);
	return result;
}

static void truncated_addresses(void **state)
{
	const struct sockaddr_un local = {.sun_family = AF_UNIX};
	union any v4, v6;

	(void)state;
	address_of("127.0.0.1", 80, &v4);
	address_of("::1", 80, &v6);
	for (size_t size = 0; size <= sizeof(v6.v6); size++) {
		/* connect(2) refuses shorter addresses with EINVAL. */
		assert_int_equal(reaches_cut(&v4, size), size >= sizeof(v4.v4));
		assert_int_equal(reaches_cut(&v6, size), size >= 24);
	}
	assert_false(loopback_reaches(NULL, 0));
	assert_false(loopback_reaches((const struct sockaddr *)&local, sizeof(local)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_of_the_loopback_are_recognized),
		cmocka_unit_test(truncated_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Output of pasta: its version and its errors; and the name servers that it can forward to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <cmocka.h>

#include "fauxroot/base/macro.h"
#include "net/pasta/pasta.h"

static const struct {
	const char *text, *version; /* NULL: not from pasta */
} versions[] = {
	{"pasta 0.0~git20250503.587980c-2+deb13u1\nCopyright Red Hat\n", "2025-05-03"},
	{"pasta 0.0~git20261002.cba3570-1 Copyright Red Hat GNU GPL", "2026-10-02"},
	{"pasta 0^20240906.g6b38f07-1.fc41.x86_64\n", "2024-09-06"},
	{"pasta 2025_02_17.a1e48a0\n", "2025-02-17"},
	{"pasta unknown version\nCopyright Red Hat\n", ""},
	/* The text after the version does not count. */
	{"pasta unknown of 2025_02_17\n", ""},
	{"pasta 2025_02\n", ""},
	{"pasta 99999999\n", ""},
	{"pasta 20250503", "2025-05-03"},
	{"pasta ", NULL},
	{"pasta", NULL},
	{"passt 2025_02_17.a1e48a0\n", NULL},
	{"slirp4netns version 1.2.0\n", NULL},
	{" pasta 2025_02_17\n", NULL},
	/* pasta of 2025 prints nothing to a pipe. */
	{"", ""},
	{"Can't run AVX2 build, using non-AVX2 version: No such file or directory", ""},
	{"Can't run AVX2 build, using non-AVX2 version: No such file or directory pasta "
	 "0.0~git20261002.cba3570-1 Copyright Red Hat",
	 "2026-10-02"},
	{"something else than pasta 2025_02_17", NULL},
};

static void the_version_is_parsed(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		char version[32] = "before";
		int rc = pasta_version_parse(versions[i].text, version, sizeof(version));

		print_message("%.40s\n", versions[i].text);
		assert_int_equal(rc, versions[i].version ? 0 : -EINVAL);
		assert_string_equal(version, versions[i].version ? versions[i].version : "before");
	}
}

static const struct {
	const char *text;
	enum error_reason reason;
	int code;
} complaints[] = {
	{"", REASON_DIED, ECHILD},
	{"Usage: pasta [OPTION]... PID\n", REASON_DIED, ECHILD},
	{"External interface not usable\n", REASON_NO_ROUTE, ECHILD},
	{"Failed to send 20 bytes to syslog\nExternal interface not usable\n", REASON_NO_ROUTE,
	 ECHILD},
	{"Couldn't open user namespace /proc/12/ns/user: Permission denied\n", REASON_CONFINED,
	 ECHILD},
	{"Couldn't enter user namespace /proc/12/ns/user: Permission denied", REASON_CONFINED,
	 ECHILD},
	{"no External interface not usable\n", REASON_DIED, ECHILD},
	{"Failed to send 35 bytes to syslog\nFailed to get netlink socket\n", REASON_DIED, EAGAIN},
	{"Failed to send 45 bytes to syslog\nFailed to open tun socket in namespace\n", REASON_DIED,
	 EAGAIN},
};

static void the_error_is_interpreted(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(complaints); i++) {
		struct net_helper_meaning meaning = pasta_interpret(complaints[i].text);

		assert_int_equal(meaning.reason, complaints[i].reason);
		assert_int_equal(meaning.code, complaints[i].code);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_version_is_parsed),
		cmocka_unit_test(the_error_is_interpreted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

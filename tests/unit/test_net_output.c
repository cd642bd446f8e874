/* SPDX-License-Identifier: Apache-2.0 */
/* Output of slirp4netns: its version and its errors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <cmocka.h>

#include "fauxroot/base/macro.h"
#include "net/helper/helper.h"
#include "net/slirp4netns/slirp4netns.h"

struct version_case {
	const char *text;
	int rc;
	struct slirp_version version;
	bool sufficient;
};

static const struct version_case version_cases[] = {
	{"slirp4netns version 1.2.0\ncommit: 656041d\nlibslirp: 4.7.0\nSLIRP_CONFIG_VERSION_MAX: "
	 "4\n"
	 "libseccomp: 2.5.4\n",
	 0,
	 {1, 2, 0, 4, 7, 0},
	 true},
	/* With joined lines, as from helper_finish(). */
	{"slirp4netns version 1.2.0 commit: 656041d libslirp: 4.7.0", 0, {1, 2, 0, 4, 7, 0}, true},
	{"slirp4netns version 1.3.0-beta.0+dev\ncommit: unknown\nlibslirp: 4.9.1-git\n",
	 0,
	 {1, 3, 0, 4, 9, 1},
	 true},
	{"slirp4netns version 0.4.0\ncommit: x\n", 0, {0, 4, 0, 0, 0, 0}, true},
	{"slirp4netns version 0.3.9\n", 0, {0, 3, 9, 0, 0, 0}, false},
	{"slirp4netns version 0.10.0", 0, {0, 10, 0, 0, 0, 0}, true},
	{"slirp4netns version 1.2.0\nlibslirp: four\n", 0, {1, 2, 0, 0, 0, 0}, true},
	{"slirp4netns version 1.2.0\nnolibslirp: 4.7.0\n", 0, {1, 2, 0, 0, 0, 0}, true},
	{"slirp4netns version 1.2", -EINVAL, {0}, false},
	{"slirp4netns version ", -EINVAL, {0}, false},
	{"slirp4netns version v1.2.0", -EINVAL, {0}, false},
	{"slirp4netns version 4294967296.0.0", -EINVAL, {0}, false},
	{"slirp4netns version -1.2.0", -EINVAL, {0}, false},
	{"pasta 0.0~git20230309", -EINVAL, {0}, false},
	{"\nslirp4netns version 1.2.0", -EINVAL, {0}, false},
	{"", -EINVAL, {0}, false},
};

static void the_version_is_parsed(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(version_cases); i++) {
		const struct version_case *c = &version_cases[i];
		struct slirp_version v = {9, 9, 9, 9, 9, 9};
		const struct slirp_version untouched = v;

		print_message("%.40s\n", c->text);
		assert_int_equal(slirp_version_parse(c->text, &v), c->rc);
		if (c->rc < 0) {
			assert_memory_equal(&v, &untouched, sizeof(v));
			continue;
		}
		assert_memory_equal(&v, &c->version, sizeof(v));
		assert_int_equal(slirp_version_sufficient(&v), c->sufficient);
	}
}

#define GOOD_HEALTH                                                                               \
	"sent tapfd=5 for tap0\nreceived tapfd=5\nWARNING: Support for seccomp is experimental\n" \
	"Starting slirp\n* MTU:             65520\n* Network:         10.0.2.0\n"                 \
	"WARNING: 127.0.0.1:* on the host is accessible as 10.0.2.2 (set "                        \
	"--disable-host-loopback)\n"

static const struct {
	const char *text, *complaint;
} complaint_cases[] = {
	{"", ""},
	{"\n\n", ""},
	{GOOD_HEALTH, ""},
	{GOOD_HEALTH "cannot mount tmpfs on /tmp\ncreate_sandbox failed\ndo_slirp is exiting\n"
		     "do_slirp failed\nparent failed\n",
	 "cannot mount tmpfs on /tmp; create_sandbox failed"},
	{"open(\"/dev/net/tun\"): No such file or directory\nchild failed(1)",
	 "open(\"/dev/net/tun\"): No such file or directory; child failed(1)"},
	{"a\033[31mred\n", "a?[31mred"},
};

static void the_error_is_found(void **state)
{
	char text[256], small[8];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(complaint_cases); i++) {
		net_helper_complaint(&slirp_ops, complaint_cases[i].text, text, sizeof(text));
		assert_string_equal(text, complaint_cases[i].complaint);
	}
	net_helper_complaint(&slirp_ops, "a long complaint\nand another\n", small, sizeof(small));
	assert_string_equal(small, "a long");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_version_is_parsed),
		cmocka_unit_test(the_error_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

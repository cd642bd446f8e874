/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/config/portspec.h"

static void good_specs(void **state)
{
	static const struct {
		const char *text, *formatted, *parent[2], *child;
	} rows[] = {
		{"127.0.0.1:8080:80/tcp", NULL, {"127.0.0.1:8080"}, "127.0.0.1:80"},
		{"127.0.0.2:8080:80/tcp", NULL, {"127.0.0.2:8080"}, "127.0.0.2:80"},
		{":8080:80/tcp", NULL, {"0.0.0.0:8080", "[::]:8080"}, "127.0.0.1:80"},
		{"8080:80/tcp", ":8080:80/tcp", {"0.0.0.0:8080", "[::]:8080"}, "127.0.0.1:80"},
		{"0.0.0.0:1:65535/udp", NULL, {"0.0.0.0:1", "[::]:1"}, "127.0.0.1:65535"},
		{"[::]:1:2/tcp", NULL, {"0.0.0.0:1", "[::]:1"}, "[::1]:2"},
		{":1:2/tcp4", NULL, {"0.0.0.0:1"}, "127.0.0.1:2"},
		{":1:2/tcp6", NULL, {"[::]:1"}, "127.0.0.1:2"},
		{"0.0.0.0:1:2/udp4", NULL, {"0.0.0.0:1"}, "127.0.0.1:2"},
		{"[::]:1:2/udp6", NULL, {"[::]:1"}, "[::1]:2"},
		{"[::1]:53:53/udp", NULL, {"[::1]:53"}, "[::1]:53"},
		{"[fd00::7]:1:2/tcp6", NULL, {"[fd00::7]:1"}, "[::1]:2"},
		{"192.0.2.1:1:10.0.2.100:2/tcp", NULL, {"192.0.2.1:1"}, "10.0.2.100:2"},
		{"192.0.2.1:1:[fd00::100]:2/tcp4", NULL, {"192.0.2.1:1"}, "[fd00::100]:2"},
		{":1:10.0.2.100:2/tcp", NULL, {"0.0.0.0:1", "[::]:1"}, "10.0.2.100:2"},
		{"1:10.0.2.100:2/udp4", ":1:10.0.2.100:2/udp4", {"0.0.0.0:1"}, "10.0.2.100:2"},
		{"[127.0.0.1]:1:[10.0.2.100]:2/tcp",
		 "127.0.0.1:1:10.0.2.100:2/tcp",
		 {"127.0.0.1:1"},
		 "10.0.2.100:2"},
		{"[0:0:0:0:0:0:0:1]:1:2/tcp", NULL, {"[::1]:1"}, "[::1]:2"},
		{"[::ffff:127.0.0.1]:1:2/tcp4", NULL, {"127.0.0.1:1"}, "127.0.0.1:2"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[PORTSPEC_MAX], name[ENDPOINT_MAX];
		union endpoint parents[2], child;
		struct port_spec spec;
		struct error err = {0};
		size_t n;

		if (portspec_parse(rows[i].text, &spec, &err) < 0)
			fail_msg("%s: %s", rows[i].text, err.text);
		assert_string_equal(portspec_format(&spec, text, sizeof(text)),
				    rows[i].formatted ? rows[i].formatted : rows[i].text);
		n = portspec_parent(&spec, parents);
		assert_int_equal(n, rows[i].parent[1] ? 2 : 1);
		for (size_t k = 0; k < n; k++)
			assert_string_equal(endpoint_format(&parents[k], name, sizeof(name)),
					    rows[i].parent[k]);
		child = portspec_child(&spec);
		assert_string_equal(endpoint_format(&child, name, sizeof(name)), rows[i].child);
	}
}

static void bad_specs(void **state)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{"", "does not end with a protocol"},
		{"80", "does not end with a protocol"},
		{":8080:80", "does not end with a protocol"},
		{"1.2.3.4:80:80", "does not end with a protocol"},
		{"/tcp", "the child port is missing"},
		{"80/tcp", "the child port is missing"},
		{":80/tcp", "the child port is missing"},
		{"1.2.3.4:80/tcp", "the child port is missing"},
		{"[::1]:80/tcp", "the child port is missing"},
		{"1.2.3.4:80:/tcp", "the child port is missing"},
		{"80:/tcp", "the child port is missing"},
		{"1.2.3.4:80:1.2.3.4:/tcp", "the child port is missing"},
		{"1.2.3.4::80/tcp", "the parent port is missing"},
		{"::80/tcp", "the parent port is missing"},
		{"8080:80/", "the protocol \"\" is not one of"},
		{"8080:80/TCP", "the protocol \"TCP\" is not one of"},
		{"8080:80/tcp ", "the protocol \"tcp \" is not one of"},
		{"8080:80/tcp5", "the protocol \"tcp5\" is not one of"},
		{"8080:80/sctp", "the protocol \"sctp\" is not one of"},
		{"8080:80/tcp/tcp", "the protocol \"tcp/tcp\" is not one of"},
		{"8080:80/tcp,8081:81/tcp", "the protocol \"tcp,8081:81/tcp\" is not one of"},
		{"8080:80//tcp", "the protocol \"/tcp\" is not one of"},
		{" 8080:80/tcp", "the parent port \" 8080\" is not one"},
		{"0:80/tcp", "the parent port \"0\" is not one"},
		{":0:80/tcp", "the parent port \"0\" is not one"},
		{"65536:80/tcp", "the parent port \"65536\" is not one"},
		{"99999999999999999999:80/tcp", "the parent port \"99999999999999999999\" is not"},
		{"-1:80/tcp", "the parent port \"-1\" is not one"},
		{"+1:80/tcp", "the parent port \"+1\" is not one"},
		{"1.2.3.4:x:80/tcp", "the parent port \"x\" is not one"},
		{"80-81:80-81/tcp", "the parent port \"80-81\" is not one"},
		{"80:0/tcp", "the child port \"0\" is not one"},
		{"80:65536/tcp", "the child port \"65536\" is not one"},
		{"80:80x/tcp", "the child port \"80x\" is not one"},
		{"80:80 /tcp", "the child port \"80 \" is not one"},
		{"80: 80/tcp", "the child port \" 80\" is not one"},
		{"::1:80:80/tcp", "IPv6 address needs brackets"},
		{"fd00::1:80:80/tcp", "IPv6 address needs brackets"},
		{"1.2.3.4:80:::1:80/tcp", "IPv6 address needs brackets"},
		{"1.2.3.4:80:1.2.3.4:80:80/tcp", "too many colons"},
		{"[::1:80:80/tcp", "a \"[\" has no \"]\""},
		{"1.2.3.4:80:[::1:80/tcp", "a \"[\" has no \"]\""},
		{"[::1]80:80/tcp", "no colon follows the \"]\""},
		{"[[::1]]:80:80/tcp", "no colon follows the \"]\""},
		{"[]:80:80/tcp", "the parent IP \"[]\" is not"},
		{"[::1%lo]:80:80/tcp", "the parent IP \"[::1%lo]\" is not"},
		{"[::g]:80:80/tcp", "the parent IP \"[::g]\" is not"},
		{"localhost:80:80/tcp", "the parent IP \"localhost\" is not"},
		{" 1.2.3.4:80:80/tcp", "the parent IP \" 1.2.3.4\" is not"},
		{"1.2.3:80:80/tcp", "the parent IP \"1.2.3\" is not"},
		{"1.2.3.4.5:80:80/tcp", "the parent IP \"1.2.3.4.5\" is not"},
		{"01.2.3.4:80:80/tcp", "the parent IP \"01.2.3.4\" is not"},
		{"80:80:80/tcp", "the parent IP \"80\" is not"},
		{"1.2.3.4:80:1.2.3:80/tcp", "the child IP \"1.2.3\" is not"},
		{"80:1.2.3:80/tcp", "the child IP \"1.2.3\" is not"},
		{"80:host:80/tcp", "the child IP \"host\" is not"},
		{"1.2.3.4:80:80:80/tcp", "the child IP \"80\" is not"},
		{"1.2.3.4:80::80/tcp", "the child IP is empty"},
		{"80::80/tcp", "the child IP is empty"},
		{"1.2.3.4:80:80/tcp6", "not an address for tcp6"},
		{"[::1]:80:80/udp4", "not an address for udp4"},
		{"1.2.3.4:80:0.0.0.0:80/tcp", "is a wildcard address"},
		{"1.2.3.4:80:[::]:80/tcp", "is a wildcard address"},
		{"[fe80::1]:80:80/tcp", "is link-local"},
		{"1.2.3.4:80:[fe80::1]:80/tcp", "is link-local"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct port_spec spec;
		struct error err = {0};

		if (portspec_parse(rows[i].text, &spec, &err) == 0)
			fail_msg("\"%s\" was accepted", rows[i].text);
		assert_int_equal(err.code, EINVAL);
		if (!strstr(err.text, rows[i].why) || !strstr(err.text, rows[i].text))
			fail_msg("\"%s\": \"%s\" does not contain \"%s\"", rows[i].text, err.text,
				 rows[i].why);
	}
}

static void ranges_of_ports_are_parsed(void **state)
{
	struct port_spec spec;
	struct error err;
	unsigned count = 0;

	(void)state;
	assert_int_equal(portspec_parse_range("8000-8010:9000-9010/tcp", &spec, &count, &err), 0);
	assert_int_equal(count, 11);
	assert_int_equal(spec.parent_port, 8000);
	assert_int_equal(spec.child_port, 9000);
	assert_int_equal(portspec_parse_range("80:80/tcp", &spec, &count, &err), 0);
	assert_int_equal(count, 1);
	assert_int_equal(portspec_parse_range("65535-65536:1-2/tcp", &spec, &count, &err), -EINVAL);
	assert_int_equal(portspec_parse_range("2-1:1-2/tcp", &spec, &count, &err), -EINVAL);
	assert_non_null(strstr(err.text, "the parent ports end at 1, before their first, 2"));
	assert_int_equal(portspec_parse_range("1-2:1-3/tcp", &spec, &count, &err), -EINVAL);
	assert_int_equal(portspec_parse_range("1-:1/tcp", &spec, &count, &err), -EINVAL);
	assert_int_equal(portspec_parse_range("0-1:1-2/tcp", &spec, &count, &err), -EINVAL);
	assert_int_equal(portspec_parse_range("1-2-3:1-2/tcp", &spec, &count, &err), -EINVAL);
	assert_int_equal(portspec_parse_range("80:1-2:[::1]:1-2/tcp", &spec, &count, &err),
			 -EINVAL);
	assert_int_equal(portspec_parse_range("80-81:[::1]:1-2/tcp", &spec, &count, &err), 0);
	assert_string_equal(spec.child_ip, "::1");
}

static void specs_of_one_address_conflict(void **state)
{
	static const struct {
		const char *a, *b;
		bool conflict;
	} rows[] = {
		{"127.0.0.1:80:80/tcp", "127.0.0.1:80:81/tcp", true},
		{"127.0.0.1:80:80/tcp", "127.0.0.1:80:80/tcp4", true},
		{"127.0.0.1:80:80/tcp", "127.0.0.1:80:80/udp", false},
		{"127.0.0.1:80:80/tcp", "127.0.0.2:80:80/tcp", false},
		{"127.0.0.1:80:80/tcp", "127.0.0.1:81:80/tcp", false},
		{":80:80/tcp", "0.0.0.0:80:80/tcp", true},
		{":80:80/tcp", ":80:80/tcp6", true},
		{":80:80/tcp4", ":80:80/tcp6", false},
		{":80:80/udp", ":80:80/udp6", true},
		{"[::1]:80:80/tcp", "[0:0::1]:80:80/tcp6", true},
		{"[::1]:80:80/tcp", "127.0.0.1:80:80/tcp", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct port_spec a, b;

		assert_int_equal(portspec_parse(rows[i].a, &a, NULL), 0);
		assert_int_equal(portspec_parse(rows[i].b, &b, NULL), 0);
		if (portspec_conflict(&a, &b) != rows[i].conflict ||
		    portspec_conflict(&b, &a) != rows[i].conflict)
			fail_msg("%s and %s", rows[i].a, rows[i].b);
	}
}

static void free_port_never_conflicts(void **state)
{
	struct port_spec spec;

	(void)state;
	assert_int_equal(portspec_parse("127.0.0.1:80:80/tcp", &spec, NULL), 0);
	spec.parent_port = 0;
	assert_int_equal(portspec_check(&spec, NULL), 0);
	assert_false(portspec_conflict(&spec, &spec));
	spec.child_port = 0;
	assert_int_equal(portspec_check(&spec, NULL), -EINVAL);
}

/* Services of the host: the text, the spec in its usual form, and the host's address. */
static const struct {
	const char *text, *shown, *host;
} host_services[] = {
	{"5432:5432", ":5432:5432/tcp", "127.0.0.1:5432"},
	{"80:8080/udp", ":80:8080/udp", "127.0.0.1:8080"},
	{"10.0.2.4:80:192.0.2.1:8080/tcp", "10.0.2.4:80:192.0.2.1:8080/tcp", "192.0.2.1:8080"},
	{"127.0.0.1:80:8080", "127.0.0.1:80:8080/tcp", "127.0.0.1:8080"},
	{"80:127.0.0.2:8080", ":80:127.0.0.2:8080/tcp", "127.0.0.2:8080"},
	{"[fd00::4]:80:[::1]:8080", "[fd00::4]:80:[::1]:8080/tcp", "[::1]:8080"},
};

static const struct {
	const char *text, *why;
} bad_host_services[] = {
	{"", "the host port is missing"},
	{"80", "the host port is missing"},
	{"80:", "the host port is missing"},
	{"x:80", "the host port is missing"},
	{"0:80", "the child port \"0\" is not one of 1-65535"},
	{"80:0", "the host port \"0\" is not one of 1-65535"},
	{"80:65536", "the host port \"65536\" is not one of 1-65535"},
	{"80-81:80-81", "is not one of 1-65535"},
	{"80:80/tcp4", "tcp or udp, not tcp4"},
	{"80:80/", "the protocol \"\" is not one of"},
	{"80:0.0.0.0:80", "the host IP \"0.0.0.0\" is a wildcard address"},
	{"80:[::]:80", "is a wildcard address"},
	{"0.0.0.0:80:80", "the child IP \"0.0.0.0\" is a wildcard address"},
	{"[fe80::1]:80:80", "the child IP \"fe80::1\" is link-local"},
	{"80:localhost:80", "the host IP \"localhost\" is not an IP address"},
	{"1:2:3:4:5", "too many colons"},
};

/* Services at UNIX sockets. */
static void parses_paths_of_the_host(void **state)
{
	static const struct {
		const char *text, *shown, *ip, *path;
	} good[] = {
		{"5432:unix:/run/a.sock", ":5432:unix:/run/a.sock", "", "/run/a.sock"},
		{"10.0.2.4:80:unix:/a b:c/d", "10.0.2.4:80:unix:/a b:c/d", "10.0.2.4", "/a b:c/d"},
		{"[fd00::4]:80:unix:/x:unix:/y", "[fd00::4]:80:unix:/x:unix:/y", "fd00::4",
		 "/x:unix:/y"},
	};
	static const struct {
		const char *text, *why;
	} bad[] = {
		{"53:unix:/run/x/udp", "a UNIX socket is for tcp, and takes no /udp"},
		{"53:unix:/run/x/tcp6", "takes no /tcp6"},
		{"80:unix:run/x", "is not absolute"},
		{"80:unix:", "is not absolute"},
		{"80:unix:@x", "is not absolute"},
		{":unix:/x", "the child port is missing"},
		{"0:unix:/x", "the child port \"0\" is not one of 1-65535"},
		{"80-81:unix:/x", "is not one of 1-65535"},
		{"1:2:3:unix:/x", "too many colons"},
		{"host:80:unix:/x", "the child IP \"host\" is not an IP address"},
		{"0.0.0.0:80:unix:/x", "is a wildcard address"},
		{"80:unix:/x\ny", "is not printable ASCII"},
		{"80:unix:/\xc3\xbc", "is not printable ASCII"},
	};
	char text[256], shown[PORTSPEC_MAX];
	struct port_spec spec, reversed;
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(portspec_parse_host(good[i].text, &spec, &err), 0);
		assert_int_equal(portspec_check_host(&spec, &err), 0);
		assert_string_equal(spec.host_path, good[i].path);
		assert_string_equal(spec.child_ip, good[i].ip);
		reversed = portspec_reversed(&spec);
		assert_string_equal(portspec_format(&reversed, shown, sizeof(shown)),
				    good[i].shown);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(portspec_parse_host(bad[i].text, &spec, &err), -EINVAL);
		if (!strstr(err.text, bad[i].why))
			fail_msg("%s: %s", bad[i].text, err.text);
	}
	/* 107 bytes are the most. */
	for (size_t n = 107; n <= 108; n++) {
		memcpy(text, "80:unix:/", 9);
		memset(text + 9, 'x', n - 1);
		text[8 + n] = '\0';
		assert_int_equal(portspec_parse_host(text, &spec, &err), n == 107 ? 0 : -EINVAL);
	}
	assert_non_null(strstr(err.text, "the path is longer than 107 bytes"));
	/* From the API. */
	spec.proto = PROTO_UDP;
	assert_int_equal(portspec_check_host(&spec, &err), -EINVAL);
	assert_non_null(strstr(err.text, "is for tcp, not for udp"));
	spec.proto = PROTO_TCP;
	spec.parent_port = 1;
	assert_int_equal(portspec_check_host(&spec, &err), -EINVAL);
	assert_non_null(strstr(err.text, "either an address or a path"));
}

static void parses_services_of_the_host(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(host_services); i++) {
		char text[PORTSPEC_MAX];
		struct port_spec spec, shown;
		struct error err = {0};
		union endpoint host;

		if (portspec_parse_host(host_services[i].text, &spec, &err) < 0)
			fail_msg("%s: %s", host_services[i].text, err.text);
		shown = portspec_reversed(&spec);
		assert_string_equal(portspec_format(&shown, text, sizeof(text)),
				    host_services[i].shown);
		host = portspec_host(&spec);
		assert_string_equal(endpoint_format(&host, text, sizeof(text)),
				    host_services[i].host);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad_host_services); i++) {
		struct port_spec spec;
		struct error err = {0};

		if (portspec_parse_host(bad_host_services[i].text, &spec, &err) != -EINVAL ||
		    !strstr(err.text, bad_host_services[i].why))
			fail_msg("%s: %s", bad_host_services[i].text, err.text);
	}
}

static void services_conflict_inside(void **state)
{
	static const struct {
		const char *a, *b;
		bool conflict;
	} cases[] = {
		{"80:1", "80:2", true},
		{"80:1", "81:1", false},
		{"80:1/tcp", "80:1/udp", false},
		{"80:1", "10.0.2.4:80:1", true},
		{"127.0.0.1:80:1", "127.0.0.2:80:1", false},
		{"127.0.0.1:80:1", "127.0.0.1:80:2", true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct port_spec a, b;

		assert_int_equal(portspec_parse_host(cases[i].a, &a, NULL), 0);
		assert_int_equal(portspec_parse_host(cases[i].b, &b, NULL), 0);
		if (portspec_conflict_inside(&a, &b) != cases[i].conflict)
			fail_msg("%s, %s", cases[i].a, cases[i].b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_paths_of_the_host),
		cmocka_unit_test(parses_services_of_the_host),
		cmocka_unit_test(services_conflict_inside),
		cmocka_unit_test(good_specs),
		cmocka_unit_test(bad_specs),
		cmocka_unit_test(ranges_of_ports_are_parsed),
		cmocka_unit_test(specs_of_one_address_conflict),
		cmocka_unit_test(free_port_never_conflicts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of texts of resolv.conf and hosts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "mounts/etctext.h"

#define NS "nameserver 10.0.2.3\n"

static void resolvconf_matches_the_table(void **state)
{
	static const struct {
		const char *host, *expected;
	} table[] = {
		{"", NS},
		{"nameserver 127.0.0.53\n", NS},
		{"search a.example b.example\n", NS "search a.example b.example\n"},
		{"domain a.example\n", NS "domain a.example\n"},
		/* The last of search and domain wins. */
		{"search a b\ndomain c\n", NS "domain c\n"},
		{"domain c\nsearch a b\n", NS "search a b\n"},
		{"search a\nsearch b c\n", NS "search b c\n"},
		/* systemd-resolved writes this for "none". */
		{"search .\n", NS "search .\n"},
		/* A keyword without a value is ignored. */
		{"search a\nsearch\n", NS "search a\n"},
		{"search a\nsearch \t \n", NS "search a\n"},
		{"options\n", NS},
		/* Options add up, wherever they are. */
		{"options edns0 trust-ad\nnameserver 127.0.0.53\noptions\tndots:2\n",
		 NS "options edns0 trust-ad ndots:2\n"},
		{"options ndots:1\nsearch a\n", NS "search a\noptions ndots:1\n"},
		/* Comments, and lines that are not comments. */
		{"# search a\n; options b\n#\n", NS},
		{"search a # b\noptions x ;y\n", NS "search a\noptions x\n"},
		{"search a#b\n", NS "search a#b\n"},
		{"search # a\n", NS},
		/* A keyword is a whole word at the start of the line. */
		{" search a\n\toptions b\n", NS},
		{"searching a\noptionsb\ndomains c\n", NS},
		{"search a\nSEARCH b\n", NS "search a\n"},
		/* All kinds of white space, no newline at the end. */
		{"search\ta \t b", NS "search a b\n"},
		{"search a\r\noptions b\r\n\r\n", NS "search a\noptions b\n"},
		/* Control characters separate words. */
		{"search a\x01"
		 "b\x7f"
		 "c\n",
		 NS "search a b c\n"},
		{"sortlist 10.0.0.0\nlookup file\nfamily inet4\nnonsense\n", NS},
		{"\n\n\n", NS},
	};
	char *servers[] = {"10.0.2.3", NULL};
	const struct strv dns = {servers, 1};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		char *text = resolvconf_compose(table[i].host, strlen(table[i].host), &dns);

		assert_non_null(text);
		assert_string_equal(text, table[i].expected);
		free(text);
	}
}

static void resolvconf_lists_our_servers(void **state)
{
	static const char host[] = "search a\0b\nnameserver 1.1.1.1";
	char *servers[] = {"10.0.2.3", "fd00::3", NULL};
	const struct strv two = {servers, 2}, none = {NULL, 0};
	char *text = resolvconf_compose(host, sizeof(host) - 1, &two);

	(void)state;
	assert_string_equal(text, "nameserver 10.0.2.3\nnameserver fd00::3\nsearch a b\n");
	free(text);
	text = resolvconf_compose(host, 0, &none);
	assert_string_equal(text, "");
	free(text);
}

#define V4 "127.0.0.1\tbox\n"
#define V6 "::1\tbox\n"

#define LOCAL "127.0.0.1\tlocalhost\n::1\tlocalhost\n"

static void hosts_matches_the_table(void **state)
{
	static const struct {
		const char *host, *expected;
	} table[] = {
		{"", V4 V6},
		{"127.0.0.1 localhost\n", V4 V6 "127.0.0.1 localhost\n"},
		/* Already on a loopback address. */
		{"127.0.1.1 box\n", V6 "127.0.1.1 box\n"},
		{"127.0.1.1 box\n::1 box\n", "127.0.1.1 box\n::1 box\n"},
		{"127.0.0.1\tlocalhost box\n::1 ip6-localhost box",
		 "127.0.0.1\tlocalhost box\n::1 ip6-localhost box\n"},
		{"0:0::0:1 box\n127.1.2.3 box\n", "0:0::0:1 box\n127.1.2.3 box\n"},
		{"::1 BOX\n127.0.0.1 Box\n", "::1 BOX\n127.0.0.1 Box\n"},
		{" 127.0.0.1 \t box\r\n\t::1 box\r\n", " 127.0.0.1 \t box\r\n\t::1 box\r\n"},
		/* With domain and aliases, as Debian's installer writes it. */
		{"127.0.0.1\tlocalhost\n127.0.1.1\tbox.example.com\tbox\n",
		 "::1\tbox.example.com box\n"
		 "127.0.0.1\tlocalhost\n127.0.1.1\tbox.example.com\tbox\n"},
		{"10.5.5.5 box.corp.example  BOX web#x\n",
		 "127.0.0.1\tbox.corp.example BOX web\n::1\tbox.corp.example BOX web\n"
		 "10.5.5.5 box.corp.example  BOX web#x\n"},
		{"10.5.5.5 box.four box\n2001:db8::1 box.six box b6\r\n",
		 "127.0.0.1\tbox.four box\n::1\tbox.six box b6\n"
		 "10.5.5.5 box.four box\n2001:db8::1 box.six box b6\r\n"},
		/* The first line with the name decides. */
		{"192.0.2.1 box\n127.0.0.1 box\n", V4 V6 "192.0.2.1 box\n127.0.0.1 box\n"},
		{"127.0.0.1 box\n192.0.2.1 box\n2001:db8::1 box\n",
		 V6 "127.0.0.1 box\n192.0.2.1 box\n2001:db8::1 box\n"},
		/* Not matches: a part of a name, a name in a comment, a name without an address. */
		{"127.0.0.1 boxer inbox box.example\n",
		 V4 V6 "127.0.0.1 boxer inbox box.example\n"},
		{"127.0.0.1 localhost # box\n", V4 V6 "127.0.0.1 localhost # box\n"},
		{"#127.0.0.1 box\n", V4 V6 "#127.0.0.1 box\n"},
		{"127.0.0.1 x#box\n", V4 V6 "127.0.0.1 x#box\n"},
		{"box 127.0.0.1 box\n", V4 V6 "box 127.0.0.1 box\n"},
		{"127.0.0 box\n127.0.0.256 box\n", V4 V6 "127.0.0 box\n127.0.0.256 box\n"},
		{"::ffff:127.0.0.1 box\n", V4 V6 "::ffff:127.0.0.1 box\n"},
		{"box\n127.0.0.1\n", V4 V6 "box\n127.0.0.1\n"},
		{"\n\n# all of it stands\n", V4 V6 "\n\n# all of it stands\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		char *text = hosts_compose(table[i].host, strlen(table[i].host), "box");

		const char *ours = text;

		assert_non_null(text);
		/* Added at the start if it is missing. */
		if (!strstr(table[i].host, "127.0.0.1 localhost") &&
		    !strstr(table[i].host, "\tlocalhost"))
			ours = str_after(text, LOCAL);
		assert_non_null(ours);
		assert_string_equal(ours, table[i].expected);
		free(text);
	}
}

static char *hosts_of(const char *host, const char *hostname)
{
	char *text = hosts_compose(host, strlen(host), hostname);

	assert_non_null(text);
	return text;
}

static void hosts_always_has_localhost(void **state)
{
	static const struct {
		const char *host, *hostname, *expected;
	} table[] = {
		{"", "box", LOCAL V4 V6},
		{"", "localhost", LOCAL},
		{"127.0.0.1 LocalHost\n", "localhost", "127.0.0.1 LocalHost\n"},
		{"192.0.2.1 localhost.example mylocalhost # localhost\n", "",
		 LOCAL "192.0.2.1 localhost.example mylocalhost # localhost\n"},
		/* It keeps the addresses of the host's file. */
		{"::1 localhost\n", "", "::1 localhost\n"},
		{"192.0.2.1 localhost\n", "", "192.0.2.1 localhost\n"},
		{"127.0.0.1 localhost box\n", "box", V6 "127.0.0.1 localhost box\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		_cleanup_free_ char *text = hosts_of(table[i].host, table[i].hostname);

		assert_string_equal(text, table[i].expected);
	}
}

/* gethostname(2) may return anything: an invalid name is not written. */
static void hosts_skips_invalid_names(void **state)
{
	static const char *const bad[] = {"", "a b", "a\nb", "a#b", "#", "a\tb", "\x7f"};
	static const char host[] = "127.0.0.1 x\0 box\n";
	char *text;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		text = hosts_of("1.2.3.4 x localhost\n", bad[i]);
		assert_string_equal(text, "1.2.3.4 x localhost\n");
		free(text);
	}
	text = hosts_compose(host, sizeof(host) - 1, "box");
	assert_string_equal(text, LOCAL V4 V6 "127.0.0.1 x\n");
	free(text);
	text = hosts_compose("", 0, "box.example");
	assert_string_equal(text, LOCAL "127.0.0.1\tbox.example\n::1\tbox.example\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(resolvconf_matches_the_table),
		cmocka_unit_test(resolvconf_lists_our_servers),
		cmocka_unit_test(hosts_matches_the_table),
		cmocka_unit_test(hosts_skips_invalid_names),
		cmocka_unit_test(hosts_always_has_localhost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON of ports: encoding to exact texts, decoding with type checks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "fauxroot/api/ports.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/str.h"

/* Specs that are encoded as they were decoded, without changes or additions. */
static const struct {
	struct port_spec spec;
	const char *text;
} specs[] = {
	{{PROTO_TCP, "", "", 8080, 80, ""},
	 "{\"proto\":\"tcp\",\"parentPort\":8080,\"childPort\":80}"},
	{{PROTO_TCP4, "0.0.0.0", "", 1, 65535, ""},
	 "{\"proto\":\"tcp4\",\"parentIP\":\"0.0.0.0\",\"parentPort\":1,\"childPort\":65535}"},
	{{PROTO_UDP, "", "10.0.2.100", 53, 53, ""},
	 "{\"proto\":\"udp\",\"parentPort\":53,\"childIP\":\"10.0.2.100\",\"childPort\":53}"},
	{{PROTO_TCP6, "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1", 65535, 1, ""},
	 "{\"proto\":\"tcp6\",\"parentIP\":\"0:0:0:0:0:0:0:1\",\"parentPort\":65535,"
	 "\"childIP\":\"::ffff:127.0.0.1\",\"childPort\":1}"},
	{{PROTO_UDP6, "2001:DB8::A", "", 9, 9, ""},
	 "{\"proto\":\"udp6\",\"parentIP\":\"2001:DB8::A\",\"parentPort\":9,\"childPort\":9}"},
	{{PROTO_UDP4, "127.0.0.2", "127.0.0.3", 0, 7, ""},
	 "{\"proto\":\"udp4\",\"parentIP\":\"127.0.0.2\",\"parentPort\":0,\"childIP\":\"127.0.0."
	 "3\","
	 "\"childPort\":7}"},
	{{PROTO_TCP, "", "127.0.0.9", 0, 7, "/run/a \"b\".sock"},
	 "{\"proto\":\"tcp\",\"hostPath\":\"/run/a \\\"b\\\".sock\",\"childIP\":\"127.0.0.9\","
	 "\"childPort\":7}"},
};

static void assert_same(const struct port_spec *a, const struct port_spec *b)
{
	assert_int_equal(a->proto, b->proto);
	assert_string_equal(a->parent_ip, b->parent_ip);
	assert_int_equal(a->parent_port, b->parent_port);
	assert_string_equal(a->child_ip, b->child_ip);
	assert_int_equal(a->child_port, b->child_port);
	assert_string_equal(a->host_path, b->host_path);
}

static void echoes_specs(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(specs); i++) {
		_cleanup_free_ char *text = api_spec_encode(&specs[i].spec, false);
		struct port_spec back;
		bool owned = true;
		struct error err = {0};

		assert_string_equal(text, specs[i].text);
		if (api_spec_decode(text, strlen(text), &back, &owned, &err) < 0)
			fail_msg("%s: %s", text, err.text);
		assert_same(&back, &specs[i].spec);
		assert_false(owned);
	}
}

/* Forms that other clients use. */
static const struct {
	const char *text;
	struct port_spec spec;
} taken[] = {
	{" { \"childPort\" : 80 ,\r\n\t\"parentPort\":8080, \"proto\":\"tcp\" } ",
	 {PROTO_TCP, "", "", 8080, 80, ""}},
	{"{\"proto\":\"tcp\",\"parentPort\":1,\"childPort\":2,\"parentIP\":\"\",\"childIP\":\"\"}",
	 {PROTO_TCP, "", "", 1, 2, ""}},
	{"{\"proto\":\"tcp\",\"parentPort\":1,\"childPort\":2,\"parentIP\":null,\"childIP\":null}",
	 {PROTO_TCP, "", "", 1, 2, ""}},
	{"{\"proto\":\"t\\u0063p\",\"parentPort\":0,\"childPort\":2,\"x\":{\"proto\":[1,{}]},"
	 "\"ParentIP\":7}",
	 {PROTO_TCP, "", "", 0, 2, ""}},
};

static void accepts_other_forms(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(taken); i++) {
		struct port_spec spec;
		struct error err = {0};
		bool owned = true;

		if (api_spec_decode(taken[i].text, strlen(taken[i].text), &spec, &owned, &err) < 0)
			fail_msg("%s: %s", taken[i].text, err.text);
		assert_same(&spec, &taken[i].spec);
		assert_false(owned);
	}
}

#define TCP(members) "{\"proto\":\"tcp\"," members "}"
#define PORTS	     "\"parentPort\":80,\"childPort\":80"

static const struct {
	const char *text;
	const char *words; /* a part of the sentence */
} refused[] = {
	{TCP("\"childPort\":80,\"hostPath\":7"), "\"hostPath\" is not a path"},
	{TCP("\"childPort\":80,\"hostPath\":\"\""), "\"hostPath\" is not a path"},
	{TCP("\"childPort\":80,\"hostPath\":\"/"
	     "0123456789012345678901234567890123456789012345678901234567"
	     "8901234567890123456789012345678901234567890123456\""),
	 "\"hostPath\" is longer than 107 bytes"},
	{"", "the request's body is not JSON"},
	{"{", "the request's body is not JSON"},
	{TCP(PORTS) "{", "the request's body is not JSON"},
	{TCP(PORTS) "x", "the request's body is not JSON"},
	{TCP(PORTS ",\"proto\":\"udp\""), "duplicate object key"},
	{TCP(PORTS ",\"x\":01"), "the request's body is not JSON"},
	{TCP(PORTS ",\"x\":\"\\u0000\""), "the request's body is not JSON"},
	{TCP(PORTS ",\"x\":\"\351\""), "the request's body is not JSON"},
	{"[]", "not a JSON object"},
	{"null", "not JSON"},
	{"80", "not JSON"},
	{"[" TCP(PORTS) "]", "not a JSON object"},
	{"{}", "\"proto\" is missing"},
	{"{" PORTS "}", "\"proto\" is missing"},
	{"{\"proto\":null," PORTS "}", "\"proto\" is missing"},
	{"{\"proto\":\"\"," PORTS "}", "\"proto\" is not one of"},
	{"{\"proto\":\"TCP\"," PORTS "}", "\"proto\" is not one of"},
	{"{\"proto\":\"sctp\"," PORTS "}", "\"proto\" is not one of"},
	{"{\"proto\":\"tcp \"," PORTS "}", "\"proto\" is not one of"},
	{"{\"proto\":6," PORTS "}", "\"proto\" is not one of"},
	{"{\"proto\":[\"tcp\"]," PORTS "}", "\"proto\" is not one of"},
	{TCP("\"childPort\":80"), "\"parentPort\" is missing"},
	{TCP("\"parentPort\":null,\"childPort\":80"), "\"parentPort\" is missing"},
	{TCP("\"parentPort\":80"), "\"childPort\" is missing"},
	{TCP("\"parentPort\":80,\"childPort\":0"), "\"childPort\" is not one of 1-65535"},
	{TCP("\"parentPort\":80,\"childPort\":65536"), "\"childPort\" is not one of 1-65535"},
	{TCP("\"parentPort\":80,\"childPort\":-1"), "\"childPort\" is not one of 1-65535"},
	{TCP("\"parentPort\":65536,\"childPort\":80"), "\"parentPort\" is not one of 0-65535"},
	{TCP("\"parentPort\":-1,\"childPort\":80"), "\"parentPort\" is not one of 0-65535"},
	{TCP("\"parentPort\":4294967376,\"childPort\":80"), "\"parentPort\" is not one of 0-65535"},
	{TCP("\"parentPort\":99999999999999999999,\"childPort\":80"), "too big integer"},
	{TCP("\"parentPort\":\"80\",\"childPort\":80"), "\"parentPort\" is not an integer"},
	{TCP("\"parentPort\":80,\"childPort\":\"80\""), "\"childPort\" is not an integer"},
	{TCP("\"parentPort\":80.0,\"childPort\":80"), "\"parentPort\" is not an integer"},
	{TCP("\"parentPort\":8e1,\"childPort\":80"), "\"parentPort\" is not an integer"},
	{TCP("\"parentPort\":true,\"childPort\":80"), "\"parentPort\" is not an integer"},
	{TCP("\"parentPort\":[80],\"childPort\":80"), "\"parentPort\" is not an integer"},
	{TCP(PORTS ",\"parentIP\":127"), "\"parentIP\" is not a string"},
	{TCP(PORTS ",\"parentIP\":{}"), "\"parentIP\" is not a string"},
	{TCP(PORTS ",\"parentIP\":\"localhost\""), "\"localhost\" is not an IP address"},
	{TCP(PORTS ",\"parentIP\":\"127.0.0.1:80\""), "is not an IP address"},
	{TCP(PORTS ",\"parentIP\":\"[::1]\""), "is not an IP address"},
	{TCP(PORTS ",\"parentIP\":\" \""), "is not an IP address"},
	{TCP(PORTS ",\"parentIP\":\"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb\""),
	 "\"parentIP\" is too long"},
	{TCP(PORTS ",\"childIP\":false"), "\"childIP\" is not a string"},
	{TCP(PORTS ",\"childIP\":\"127.1\""), "\"127.1\" is not an IP address"},
	{TCP(PORTS ",\"childIP\":\"0.0.0.0\""), "is a wildcard address"},
	{TCP(PORTS ",\"owner\":\"me\""), "\"owner\" is not \"peer\""},
	{TCP(PORTS ",\"owner\":\"\""), "\"owner\" is not \"peer\""},
	{TCP(PORTS ",\"owner\":true"), "\"owner\" is not \"peer\""},
	{TCP(PORTS ",\"owner\":[\"peer\"]"), "\"owner\" is not \"peer\""},
	{"{\"proto\":\"tcp4\",\"parentIP\":\"::1\"," PORTS "}", "is not an address for tcp4"},
	{"{\"proto\":\"udp6\",\"parentIP\":\"127.0.0.1\"," PORTS "}", "is not an address for udp6"},
};

static void names_the_member_it_refuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct port_spec spec = {.child_port = 4711};
		struct error err = {0};
		bool owned = true;
		int rc = api_spec_decode(refused[i].text, strlen(refused[i].text), &spec, &owned,
					 &err);

		if (rc != -EINVAL || !strstr(err.text, refused[i].words))
			fail_msg("%s: %d \"%s\"", refused[i].text, rc, err.text);
		assert_int_equal(spec.child_port, 4711);
		assert_true(owned);
	}
}

/* A port that is removed with its client: in the request and in the list. */
static void encodes_and_decodes_owners(void **state)
{
	const struct port_spec *spec = &specs[0].spec;
	_cleanup_free_ char *text = api_spec_encode(spec, true), *shown = NULL;
	struct api_port port = {.id = 3, .spec = *spec, .owned = true};
	struct port_spec back;
	struct error err = {0};
	bool owned = false;

	(void)state;
	assert_string_equal(text, "{\"proto\":\"tcp\",\"parentPort\":8080,\"childPort\":80,"
				  "\"owner\":\"peer\"}");
	assert_int_equal(api_spec_decode(text, strlen(text), &back, &owned, &err), 0);
	assert_same(&back, spec);
	assert_true(owned);
	shown = api_port_encode(&port);
	assert_string_equal(shown, "{\"id\":3,\"spec\":{\"proto\":\"tcp\",\"parentPort\":8080,"
				   "\"childPort\":80},\"owner\":\"peer\"}");
	port.owned = false;
	assert_int_equal(api_port_decode(shown, strlen(shown), &port, &err), 0);
	assert_true(port.owned);
	/* An unknown kind of owner from a later server is accepted. */
	*strstr(shown, "peer") = 'P';
	assert_int_equal(api_port_decode(shown, strlen(shown), &port, &err), 0);
	assert_false(port.owned);
}

/* As deep as a body of 64 KiB can be, in a member that is ignored and in one that is not. */
static void survives_nesting(void **state)
{
	enum { DEEP = 65000 };
	static const char *const heads[] = {"", "{\"x\":", "{\"proto\":"};
	static const char *const opens[] = {"[", "{\"a\":"};
	_cleanup_free_ char *text = malloc(DEEP + 64);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(heads); i++)
		for (size_t j = 0; j < ARRAY_SIZE(opens); j++) {
			size_t n = strlen(heads[i]);
			struct port_spec spec;
			struct error err = {0};
			bool owned;

			memcpy(text, heads[i], n + 1);
			for (; n < DEEP; n += strlen(opens[j]))
				memcpy(text + n, opens[j], strlen(opens[j]) + 1);
			assert_int_equal(api_spec_decode(text, n, &spec, &owned, &err), -EINVAL);
			assert_non_null(strstr(err.text, "maximum parsing depth reached"));
		}
}

static void lists_ports(void **state)
{
	_cleanup_api_ports_ struct api_ports ports = {0}, back = {0};
	_cleanup_free_ char *none = api_ports_encode(&ports), *two = NULL, *one = NULL;
	struct api_port port = {.id = 1, .spec = specs[0].spec};
	struct error err = {0};

	(void)state;
	assert_string_equal(none, "[]");
	assert_int_equal(api_ports_decode("[]", 2, &back, &err), 0);
	assert_int_equal(back.n, 0);
	/* RootlessKit 1.1 answers "null\n" after the last port was removed. */
	assert_int_equal(api_ports_decode("null\n", 5, &back, &err), 0);
	assert_int_equal(back.n, 0);
	assert_int_equal(api_ports_add(&ports, &port), 0);
	port.id = UINT32_MAX;
	assert_int_equal(api_ports_add(&ports, &port), 0);
	two = api_ports_encode(&ports);
	assert_string_equal(two,
			    "[{\"id\":1,\"spec\":{\"proto\":\"tcp\",\"parentPort\":8080,"
			    "\"childPort\":80}},{\"id\":4294967295,\"spec\":{\"proto\":\"tcp\","
			    "\"parentPort\":8080,\"childPort\":80}}]");
	assert_int_equal(api_ports_decode(two, strlen(two), &back, &err), 0);
	assert_int_equal(back.n, 2);
	assert_int_equal(back.items[1].id, UINT32_MAX);
	assert_same(&back.items[1].spec, &port.spec);
	one = api_port_encode(&back.items[0]);
	assert_string_equal(one, "{\"id\":1,\"spec\":{\"proto\":\"tcp\",\"parentPort\":8080,"
				 "\"childPort\":80}}");
	assert_int_equal(api_port_decode(one, strlen(one), &port, &err), 0);
	assert_int_equal(port.id, 1);
}

static const char counted[] = "{\"id\":7,\"spec\":" TCP(
	"\"parentPort\":1,\"childPort\":2") ",\"counters\":{"
					    "\"since\":\"2026-11-29T19:10:07.089Z\","
					    "\"connections\":3,"
					    "\"bytesToChild\":9223372036854775807,"
					    "\"bytesFromChild\":0}}";

static void encodes_and_decodes_counters(void **state)
{
	struct api_port port = {
		.id = 7,
		.spec = {PROTO_TCP, "", "", 1, 2, ""},
		.counted = true,
		.counters = {{1795979407, 89999999}, 3, UINT64_MAX, 0},
	};
	_cleanup_free_ char *text = api_port_encode(&port), *again = NULL;
	struct api_port back;
	struct error err;

	(void)state;
	/* A number of the forwarder may be anything, and stays a valid JSON integer. */
	assert_string_equal(text, counted);
	assert_int_equal(api_port_decode(text, strlen(text), &back, &err), 0);
	assert_true(back.counted);
	again = api_port_encode(&back);
	assert_string_equal(again, counted);
}

/* Counters of another server, or none: the port is shown without them. */
static const char *const other_counters[] = {
	"",
	",\"counters\":7",
	",\"counters\":{}",
	",\"counters\":{\"since\":\"today\",\"connections\":1,\"bytesToChild\":1,"
	"\"bytesFromChild\":1}",
	",\"counters\":{\"since\":\"2026-13-29T19:10:07.089Z\",\"connections\":1,"
	"\"bytesToChild\":1,\"bytesFromChild\":1}",
	",\"counters\":{\"since\":\"2026-11-29T19:10:07.089Z\",\"connections\":-1,"
	"\"bytesToChild\":1,\"bytesFromChild\":1}",
	",\"counters\":{\"since\":\"2026-11-29T19:10:07.089Z\",\"connections\":1,"
	"\"bytesToChild\":1.5,\"bytesFromChild\":1}",
	",\"counters\":{\"since\":\"2026-11-29T19:10:07.089Z\",\"connections\":1,"
	"\"bytesToChild\":1}",
};

static void ignores_other_counters(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(other_counters); i++) {
		_cleanup_free_ char *text =
			str_format("{\"id\":1,\"spec\":" TCP(PORTS) "%s}", other_counters[i]);
		struct api_port port = {.counted = true};
		struct error err;

		assert_int_equal(api_port_decode(text, strlen(text), &port, &err), 0);
		if (port.counted)
			fail_msg("%s", text);
	}
}

/* Invalid answers of a server. */
static const char *const bad_answers[] = {
	"",
	"{}",
	"null x",
	"nul",
	"[7]",
	"[null]",
	"[{}]",
	"[{\"id\":1}]",
	"[{\"id\":0,\"spec\":" TCP(PORTS) "}]",
	"[{\"id\":-1,\"spec\":" TCP(PORTS) "}]",
	"[{\"id\":4294967296,\"spec\":" TCP(PORTS) "}]",
	"[{\"id\":\"1\",\"spec\":" TCP(PORTS) "}]",
	"[{\"id\":1,\"spec\":[]}]",
	"[{\"id\":1,\"spec\":" TCP(PORTS ",\"parentIP\":\"\\u001b[2J\"") "}]",
	"[{\"id\":1,\"spec\":" TCP(PORTS) "},{\"id\":2}]",
};

static void refuses_invalid_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad_answers); i++) {
		const char *text = bad_answers[i];
		struct api_ports ports = {0};
		struct api_port port = {.id = 7};
		struct error err = {0};

		if (api_ports_decode(text, strlen(text), &ports, &err) != -EPROTO || ports.items)
			fail_msg("%s: %s", text, err.text);
		/* The same without the brackets, as the answer to a POST. */
		if (*text == '[')
			assert_int_equal(api_port_decode(text + 1, strlen(text) - 2, &port, &err),
					 -EPROTO);
		assert_int_equal(port.id, 7);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(echoes_specs),
		cmocka_unit_test(accepts_other_forms),
		cmocka_unit_test(names_the_member_it_refuses),
		cmocka_unit_test(survives_nesting),
		cmocka_unit_test(encodes_and_decodes_owners),
		cmocka_unit_test(lists_ports),
		cmocka_unit_test(encodes_and_decodes_counters),
		cmocka_unit_test(ignores_other_counters),
		cmocka_unit_test(refuses_invalid_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

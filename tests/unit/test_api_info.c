/* SPDX-License-Identifier: Apache-2.0 */
/* The API's JSON: encoding to exact texts, decoding with type checks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "fauxroot/api/info.h"
#include "fauxroot/base/err.h"

#define BASE \
	"\"apiVersion\":\"1.1.1\",\"version\":\"0.1.0\",\"stateDir\":\"/run/x\",\"childPID\":42"

static void fill_base(struct api_info *info)
{
	*info = (struct api_info){.version = strdup("0.1.0"), .state_dir = strdup("/run/x")};
	info->child_pid = 42;
}

static void fill_host(struct api_info *info)
{
	fill_base(info);
}

static void fill_none(struct api_info *info)
{
	fill_base(info);
	info->net_driver = strdup("none");
}

static void fill_slirp(struct api_info *info)
{
	fill_base(info);
	info->net_driver = strdup("slirp4netns");
	strv_add(&info->net_dns, "10.0.2.3");
	strv_add(&info->net_dns, "fd00::3");
	info->net_child_ip = strdup("10.0.2.100");
}

static void fill_accel(struct api_info *info)
{
	fill_base(info);
	info->net_driver = strdup("pasta");
	info->accel_mode = strdup("switch");
	info->accel_on = true;
	info->accel_switched = 5000000000;
	info->accel_left = 3;
	info->accel_failed = 1;
	info->accel_restarts = 2;
}

static void fill_ports(struct api_info *info)
{
	fill_base(info);
	info->net_driver = strdup("lxc-user-nic");
	info->net_dynamic_child_ip = true;
	info->port_driver = strdup("slirp4netns");
	strv_add(&info->port_protos, "tcp");
	strv_add(&info->port_protos, "udp4");
	info->port_disallow_loopback_child_ip = true;
	info->port_source_ip = strdup("proxy");
}

static void fill_no_protos(struct api_info *info)
{
	fill_base(info);
	info->port_driver = strdup("builtin");
}

static void fill_escapes(struct api_info *info)
{
	fill_base(info);
	free(info->state_dir);
	info->state_dir = strdup("/a\"\\\n\303\251");
}

/* A path in ISO 8859-1. */
static void fill_not_utf8(struct api_info *info)
{
	fill_base(info);
	free(info->state_dir);
	info->state_dir = strdup("/caf\351/\303\251");
}

static const struct {
	const char *name;
	void (*fill)(struct api_info *info);
	const char *text;
	const char *state_dir; /* after decoding */
} encodings[] = {
	{"host", fill_host, "{" BASE "}", "/run/x"},
	{"none", fill_none, "{" BASE ",\"networkDriver\":{\"driver\":\"none\"}}", "/run/x"},
	{"slirp4netns", fill_slirp,
	 "{" BASE
	 ",\"networkDriver\":{\"driver\":\"slirp4netns\",\"dns\":[\"10.0.2.3\",\"fd00::3\"],"
	 "\"childIP\":\"10.0.2.100\"}}",
	 "/run/x"},
	{"acceleration", fill_accel,
	 "{" BASE ",\"networkDriver\":{\"driver\":\"pasta\",\"accel\":{\"mode\":\"switch\","
	 "\"on\":true,\"switched\":5000000000,\"leftAlone\":3,\"failed\":1,\"restarts\":2}}}",
	 "/run/x"},
	{"ports", fill_ports,
	 "{" BASE ",\"networkDriver\":{\"driver\":\"lxc-user-nic\",\"dynamicChildIP\":true},"
	 "\"portDriver\":{\"driver\":\"slirp4netns\",\"protos\":[\"tcp\",\"udp4\"],"
	 "\"disallowLoopbackChildIP\":true,\"sourceIP\":\"proxy\"}}",
	 "/run/x"},
	{"no protos", fill_no_protos,
	 "{" BASE ",\"portDriver\":{\"driver\":\"builtin\",\"protos\":[]}}", "/run/x"},
	{"escapes", fill_escapes,
	 "{\"apiVersion\":\"1.1.1\",\"version\":\"0.1.0\",\"stateDir\":\"/a\\\"\\\\\\n\303\251\","
	 "\"childPID\":42}",
	 "/a\"\\\n\303\251"},
	{"not UTF-8", fill_not_utf8,
	 "{\"apiVersion\":\"1.1.1\",\"version\":\"0.1.0\",\"stateDir\":\"/caf?/"
	 "??\",\"childPID\":42}",
	 "/caf?/??"},
};

/* Encoding gives exactly this text; decoding and encoding again gives it again. */
static void info_is_encoded_and_decoded(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(encodings); i++) {
		_cleanup_api_info_ struct api_info info = {0}, back = {0};
		_cleanup_free_ char *text = NULL, *again = NULL;
		struct error err = {0};

		encodings[i].fill(&info);
		text = api_info_encode(&info, 0);
		assert_non_null(text);
		if (!streq(text, encodings[i].text))
			print_error("%s\n", encodings[i].name);
		assert_string_equal(text, encodings[i].text);
		assert_int_equal(api_info_decode(text, strlen(text), &back, &err), 0);
		assert_string_equal(back.api_version, API_VERSION);
		assert_string_equal(back.state_dir, encodings[i].state_dir);
		again = api_info_encode(&back, 0);
		assert_string_equal(again, text);
	}
}

static void encodes_indented(void **state)
{
	_cleanup_api_info_ struct api_info info = {0};
	_cleanup_free_ char *text = NULL;

	(void)state;
	fill_none(&info);
	text = api_info_encode(&info, 4);
	assert_string_equal(text, "{\n"
				  "    \"apiVersion\": \"1.1.1\",\n"
				  "    \"version\": \"0.1.0\",\n"
				  "    \"stateDir\": \"/run/x\",\n"
				  "    \"childPID\": 42,\n"
				  "    \"networkDriver\": {\n"
				  "        \"driver\": \"none\"\n"
				  "    }\n"
				  "}");
}

#define WITH(members) "{" BASE "," members "}"

static const char *const accepted[] = {
	"{" BASE "}",
	" \n{" BASE "}\n",
	WITH("\"later\":{\"x\":[1,2.5,null]}"),
	WITH("\"networkDriver\":null,\"portDriver\":null"),
	WITH("\"networkDriver\":{\"driver\":\"slirp4netns\",\"mtu\":65520}"),
	WITH("\"portDriver\":{\"driver\":\"builtin\"}"),
	WITH("\"portDriver\":{\"driver\":\"builtin\",\"protos\":[],\"disallowLoopbackChildIP\":"
	     "false}"),
};

static const struct {
	const char *text;
	const char *complaint; /* a part of the error's sentence */
} refused[] = {
	{"", "not JSON"},
	{"{", "not JSON"},
	{"{" BASE "} x", "not JSON"},
	{"{" BASE "}{}", "not JSON"},
	{"[]", "not a JSON object"},
	{"{}", "lacks the member \"apiVersion\""},
	{"{\"version\":\"1\",\"stateDir\":\"/\",\"childPID\":1}",
	 "lacks the member \"apiVersion\""},
	{"{\"apiVersion\":\"1\",\"stateDir\":\"/\",\"childPID\":1}",
	 "lacks the member \"version\""},
	{"{\"apiVersion\":\"1\",\"version\":\"1\",\"childPID\":1}",
	 "lacks the member \"stateDir\""},
	{"{\"apiVersion\":\"1\",\"version\":\"1\",\"stateDir\":\"/\"}",
	 "lacks the member \"childPID\""},
	{"{\"apiVersion\":1,\"version\":\"1\",\"stateDir\":\"/\",\"childPID\":1}",
	 "\"apiVersion\" is not a string"},
	{"{\"apiVersion\":\"1\",\"version\":null,\"stateDir\":\"/\",\"childPID\":1}",
	 "\"version\" is not a string"},
	{"{\"apiVersion\":\"1\",\"version\":\"1\",\"stateDir\":[\"/\"],\"childPID\":1}",
	 "\"stateDir\" is not a string"},
	{"{\"apiVersion\":\"1\",\"version\":\"1\",\"stateDir\":\"/\\u0000\",\"childPID\":1}",
	 "not JSON"},
	{"{\"apiVersion\":\"1\",\"version\":\"1\",\"stateDir\":\"\\ud800\",\"childPID\":1}",
	 "not JSON"},
	{"{\"apiVersion\":\"1\",\"version\":\"1\",\"stateDir\":\"\351\",\"childPID\":1}",
	 "not JSON"},
#define PID(value)                                                                               \
	{                                                                                        \
		"{\"apiVersion\":\"1\",\"version\":\"1\",\"stateDir\":\"/\",\"childPID\":" value \
		"}",                                                                             \
			"childPID\" is not a process ID"                                         \
	}
	PID("\"1\""),
	PID("0"),
	PID("-1"),
	PID("1.0"),
	PID("true"),
	PID("null"),
	PID("2147483648"),
	PID("4294967297"),
	{WITH("\"childPID\":43"), "not JSON"},
	{"{\"apiVersion\":\"1\",\"version\":\"1\",\"stateDir\":\"/\","
	 "\"childPID\":99999999999999999999}",
	 "not JSON"},
	{WITH("\"networkDriver\":\"none\""), "\"networkDriver\" is not an object"},
	{WITH("\"networkDriver\":[]"), "\"networkDriver\" is not an object"},
	{WITH("\"networkDriver\":{}"), "lacks the member \"networkDriver.driver\""},
	{WITH("\"networkDriver\":{\"driver\":{}}"), "\"networkDriver.driver\" is not a string"},
	{WITH("\"networkDriver\":{\"driver\":\"x\",\"dns\":\"10.0.2.3\"}"),
	 "\"networkDriver.dns\" is not an array of strings"},
	{WITH("\"networkDriver\":{\"driver\":\"x\",\"dns\":[\"10.0.2.3\",null]}"),
	 "\"networkDriver.dns\" is not an array of strings"},
	{WITH("\"networkDriver\":{\"driver\":\"x\",\"childIP\":10}"),
	 "\"networkDriver.childIP\" is not a string"},
	{WITH("\"networkDriver\":{\"driver\":\"x\",\"dynamicChildIP\":1}"),
	 "\"networkDriver.dynamicChildIP\" is not a boolean"},
	{WITH("\"networkDriver\":{\"driver\":\"x\",\"accel\":true}"),
	 "\"networkDriver.accel\" is not an object"},
	{WITH("\"networkDriver\":{\"driver\":\"x\",\"accel\":{}}"),
	 "lacks the member \"networkDriver.accel.mode\""},
	{WITH("\"networkDriver\":{\"driver\":\"x\",\"accel\":{\"mode\":\"y\",\"on\":1}}"),
	 "\"networkDriver.accel.on\" is not a boolean"},
	{WITH("\"networkDriver\":{\"driver\":\"x\",\"accel\":{\"mode\":\"y\",\"switched\":-1}}"),
	 "\"networkDriver.accel.switched\" is not a count"},
	{WITH("\"portDriver\":true"), "\"portDriver\" is not an object"},
	{WITH("\"portDriver\":{\"protos\":[]}"), "lacks the member \"portDriver.driver\""},
	{WITH("\"portDriver\":{\"driver\":\"x\",\"protos\":{}}"),
	 "\"portDriver.protos\" is not an array of strings"},
	{WITH("\"portDriver\":{\"driver\":\"x\",\"protos\":[[\"tcp\"]]}"),
	 "\"portDriver.protos\" is not an array of strings"},
	{WITH("\"portDriver\":{\"driver\":\"x\",\"disallowLoopbackChildIP\":\"true\"}"),
	 "\"portDriver.disallowLoopbackChildIP\" is not a boolean"},
	{WITH("\"portDriver\":{\"driver\":\"x\",\"sourceIP\":false}"),
	 "\"portDriver.sourceIP\" is not a string"},
};

static void info_is_decoded(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(accepted); i++) {
		_cleanup_api_info_ struct api_info info = {0};
		struct error err = {0};

		if (api_info_decode(accepted[i], strlen(accepted[i]), &info, &err) < 0)
			fail_msg("%s: %s", accepted[i], err.text);
		assert_string_equal(info.version, "0.1.0");
		assert_int_equal(info.child_pid, 42);
	}
}

static void info_of_wrong_types_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct api_info info = {.child_pid = 7};
		struct error err = {0};
		int rc = api_info_decode(refused[i].text, strlen(refused[i].text), &info, &err);

		if (rc != -EPROTO || !strstr(err.text, refused[i].complaint))
			fail_msg("%s: %d, %s", refused[i].text, rc, err.text);
		assert_int_equal(err.code, EPROTO);
		/* Untouched. */
		assert_int_equal(info.child_pid, 7);
		assert_null(info.version);
	}
}

/* 100,000 levels of nesting: an error, not a stack overflow. */
static void refuses_depth(void **state)
{
	enum { DEPTH = 100000 };
	_cleanup_free_ char *text = malloc(DEPTH);
	struct api_info info = {0};
	struct error err = {0};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		memset(text, "[{"[i], DEPTH);
		for (size_t at = 0; i == 1 && at + 5 <= DEPTH; at += 5)
			memcpy(text + at, "{\"a\":", 5);
		assert_int_equal(api_info_decode(text, DEPTH, &info, &err), -EPROTO);
		assert_non_null(strstr(err.text, "depth"));
	}
}

/* The text need not end with a NUL: every truncation is refused and nothing is read beyond. */
static void respects_size(void **state)
{
	const char *text = encodings[3].text;
	size_t size = strlen(text);

	(void)state;
	for (size_t n = 0; n <= size; n++) {
		_cleanup_api_info_ struct api_info info = {0};
		_cleanup_free_ char *exact = malloc(n > 0 ? n : 1);

		memcpy(exact, text, n);
		assert_int_equal(api_info_decode(exact, n, &info, NULL), n == size ? 0 : -EPROTO);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(info_is_encoded_and_decoded),
		cmocka_unit_test(encodes_indented),
		cmocka_unit_test(info_is_decoded),
		cmocka_unit_test(info_of_wrong_types_is_refused),
		cmocka_unit_test(refuses_depth),
		cmocka_unit_test(respects_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

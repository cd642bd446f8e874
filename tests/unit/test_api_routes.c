/* SPDX-License-Identifier: Apache-2.0 */
/* The route table: the answer for each method and path. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "api/inside.h"
#include "api/owners.h"
#include "api/routes.h"
#include "fauxroot/api/info.h"
#include "fauxroot/api/server.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/sys/portstart.h"
#include "fake_ports.h"

static int fill_info(void *arg, struct api_info *ret, struct error *err)
{
	(void)err;
	ret->version = strdup(arg);
	ret->state_dir = strdup("/run/x");
	ret->child_pid = 42;
	return 0;
}

static int fail_info(void *arg, struct api_info *ret, struct error *err)
{
	ret->version = strdup(arg);
	return err_set(err, ENOENT, "looking at \"%s\"", "/x\"\351");
}

static const struct api_ops ops = {.info = fill_info}, failing_ops = {.info = fail_info};

#define INFO \
	"{\"apiVersion\":\"1.1.1\",\"version\":\"9.8.7\",\"stateDir\":\"/run/x\",\"childPID\":42}"
#define NO_DRIVER "{\"message\":\"no port driver is available\"}"

static const struct {
	const char *method, *path;
	int status;
	const char *allow; /* NULL: none */
	const char *body;  /* NULL: only its form */
} rows[] = {
	{"GET", "/v1/info", 200, NULL, INFO},
	{"HEAD", "/v1/info", 405, "GET", NULL},
	{"POST", "/v1/info", 405, "GET", "{\"message\":\"method POST is not allowed here\"}"},
	{"PUT", "/v1/info", 405, "GET", NULL},
	{"DELETE", "/v1/info", 405, "GET", NULL},
	{"get", "/v1/info", 405, "GET", NULL},
	{"", "/v1/info", 405, "GET", NULL},
	{"GET", "/v1/ports", 400, NULL, NO_DRIVER},
	{"POST", "/v1/ports", 400, NULL, NO_DRIVER},
	{"DELETE", "/v1/ports", 405, "GET, POST", NULL},
	{"DELETE", "/v1/ports/1", 400, NULL, NO_DRIVER},
	{"DELETE", "/v1/ports/-x", 400, NULL, NO_DRIVER},
	{"GET", "/v1/ports/1", 405, "DELETE", NULL},
	{"DELETE", "/v1/ports/", 404, NULL, NULL},
	{"DELETE", "/v1/ports/1/", 404, NULL, NULL},
	{"DELETE", "/v1/ports/1/2", 404, NULL, NULL},
	{"GET", "/", 404, NULL, "{\"message\":\"no such path: /\"}"},
	{"GET", "", 404, NULL, NULL},
	{"GET", NULL, 404, NULL, NULL},
	{"OPTIONS", "*", 404, NULL, NULL},
	{"GET", "/v1", 404, NULL, NULL},
	{"GET", "/v1/", 404, NULL, NULL},
	{"GET", "/v1/inf", 404, NULL, NULL},
	{"GET", "/v1/infos", 404, NULL, NULL},
	{"GET", "/v1/info/", 404, NULL, NULL},
	{"GET", "/v1/info/x", 404, NULL, NULL},
	{"GET", "//v1/info", 404, NULL, NULL},
	{"GET", "/v1//info", 404, NULL, NULL},
	{"GET", "v1/info", 404, NULL, NULL},
	{"GET", "/v2/info", 404, NULL, NULL},
	{"GET", "/V1/info", 404, NULL, NULL},
	{"GET", "/v1/{id}", 404, NULL, NULL},
	{"GET", "/\"\\\351", 404, NULL, "{\"message\":\"no such path: /\\\"\\\\?\"}"},
};

static void is_message(const char *body)
{
	const char *after = str_after(body, "{\"message\":\"");

	assert_non_null(after);
	assert_true(strlen(after) > 2);
	assert_string_equal(after + strlen(after) - 2, "\"}");
}

static void each_request_gets_its_status(void **state)
{
	char version[] = "9.8.7";

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct api_request request = {.method = rows[i].method, .path = rows[i].path};
		struct api_response response;

		api_route(&ops, version, &request, &response);
		if (response.status != rows[i].status)
			fail_msg("row %zu, %s: %d", i, rows[i].method, response.status);
		assert_string_equal(response.allow, rows[i].allow ? rows[i].allow : "");
		assert_non_null(response.body);
		if (rows[i].body)
			assert_string_equal(response.body, rows[i].body);
		if (response.status != 200)
			is_message(response.body);
		free(response.body);
	}
}

/* A path as long as the headers may be is not echoed whole. */
static void shortens_paths(void **state)
{
	char path[16384], version[] = "9.8.7";
	struct api_request request = {.method = "GET", .path = path};
	struct api_response response;

	(void)state;
	memset(path, '/', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	api_route(&ops, version, &request, &response);
	assert_int_equal(response.status, 404);
	is_message(response.body);
	assert_true(strlen(response.body) < 512);
	free(response.body);
}

/* The message of a failed operation is returned, with any bytes in it. */
static void returns_the_message_of_a_failure(void **state)
{
	struct api_request request = {.method = "GET", .path = "/v1/info"};
	struct api_response response;
	char version[] = "9.8.7";

	(void)state;
	api_route(&failing_ops, version, &request, &response);
	assert_int_equal(response.status, 500);
	assert_string_equal(
		response.body,
		"{\"message\":\"looking at \\\"/x\\\"?\\\": No such file or directory\"}");
	free(response.body);
}

/*
 * Ports, in one sequence: each row sees the changes of the rows before.
 */

static const struct api_ops port_ops = {
	.info = fill_info,
	FAKE_PORT_OPS,
};

#define SPEC(ip, parent, child) \
	"{\"proto\":\"tcp\"," ip "\"parentPort\":" parent ",\"childPort\":" child "}"
#define PORT(id, spec) "{\"id\":" id ",\"spec\":" spec "}"
#define LOCAL	       "\"parentIP\":\"127.0.0.1\","

static const struct {
	const char *method, *path, *request;
	int status;
	const char *body; /* NULL: a message */
} steps[] = {
	{"GET", "/v1/ports", NULL, 200, "[]"},
	{"GET", "/v1/ports", "{not looked at", 200, "[]"},
	{"POST", "/v1/ports", NULL, 400, NULL},
	{"POST", "/v1/ports", "", 400, NULL},
	{"POST", "/v1/ports", SPEC("", "65536", "80"), 400, NULL},
	{"POST", "/v1/ports", SPEC("", "80", "0"), 400, NULL},
	{"POST", "/v1/ports", SPEC("", "\"80\"", "80"), 400,
	 "{\"message\":\"\\\"parentPort\\\" is not an integer\"}"},
	{"POST", "/v1/ports", SPEC(LOCAL, "8080", "80"), 201, PORT("1", SPEC(LOCAL, "8080", "80"))},
	{"POST", "/v1/ports", SPEC(LOCAL, "8080", "81"), 409, NULL},
	{"POST", "/v1/ports", "{\"childPort\":80,\"x\":[],\"parentPort\":81,\"proto\":\"tcp\"}",
	 201, PORT("2", SPEC("", "81", "80"))},
	/* Any free port; the answer has its number. */
	{"POST", "/v1/ports", SPEC("", "0", "80"), 201, PORT("3", SPEC("", "40003", "80"))},
	{"GET", "/v1/ports", NULL, 200,
	 "[" PORT("1", SPEC(LOCAL, "8080", "80")) "," PORT("2", SPEC("", "81", "80")) "," PORT(
		 "3", SPEC("", "40003", "80")) "]"},
	{"DELETE", "/v1/ports/2", NULL, 200, ""},
	{"DELETE", "/v1/ports/2", NULL, 400, "{\"message\":\"there is no port with the id 2\"}"},
	{"DELETE", "/v1/ports/0", NULL, 400, NULL},
	{"DELETE", "/v1/ports/01x", NULL, 400,
	 "{\"message\":\"\\\"01x\\\" is not the id of a port\"}"},
	{"DELETE", "/v1/ports/-1", NULL, 400, NULL},
	{"DELETE", "/v1/ports/ 1", NULL, 400, NULL},
	{"DELETE", "/v1/ports/%31", NULL, 400, NULL},
	{"DELETE", "/v1/ports/4294967297", NULL, 400, NULL},
	{"DELETE", "/v1/ports/1/", NULL, 404, NULL},
	/* An id is never used again. */
	{"POST", "/v1/ports", SPEC("", "81", "80"), 201, PORT("4", SPEC("", "81", "80"))},
	/* What the port driver cannot do; see fake_failure(). */
	{"POST", "/v1/ports", SPEC("", "1", "60001"), 400,
	 "{\"message\":\"publishing it: Permission denied\"}"},
	{"POST", "/v1/ports", SPEC("", "1", "60002"), 400, NULL},
	{"POST", "/v1/ports", SPEC("", "1", "60003"), 400, NULL},
	{"POST", "/v1/ports", SPEC("", "1", "60004"), 400, NULL},
	{"POST", "/v1/ports", SPEC("", "1", "60005"), 500, NULL},
	{"POST", "/v1/ports", SPEC("", "1", "60006"), 500, NULL},
	{"GET", "/v1/ports", NULL, 200,
	 "[" PORT("1", SPEC(LOCAL, "8080", "80")) "," PORT("3", SPEC("", "40003", "80")) "," PORT(
		 "4", SPEC("", "81", "80")) "]"},
};

static void serves_ports(void **state)
{
	struct fake_ports fake = {.last_id = 0};
	struct owners owners;

	(void)state;
	owners_init(&owners, NULL, NULL, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		struct api_request request = {.owners = &owners,
					      .method = steps[i].method,
					      .path = steps[i].path,
					      .body = steps[i].request,
					      .size = steps[i].request ? strlen(steps[i].request)
								       : 0};
		struct api_response response;

		api_route(&port_ops, &fake, &request, &response);
		if (response.status != steps[i].status)
			fail_msg("step %zu: %d %s", i, response.status, response.body);
		if (steps[i].body)
			assert_string_equal(response.body, steps[i].body);
		else
			is_message(response.body);
		free(response.body);
	}
	api_ports_clear(&fake.ports);
}

/*
 * Clients inside, by policy: each request before a fresh table of ports 80 (id 1) and 8080 (id 2).
 */

static enum api_inside policy;

static enum api_inside tell_policy(void *arg)
{
	(void)arg;
	return policy;
}

static const struct api_ops inside_ops = {
	.info = fill_info,
	.inside = tell_policy,
	FAKE_PORT_OPS,
};

static const struct {
	const char *method, *path, *request;
	int statuses[API_INSIDE_COUNT_]; /* full, unprivileged, read-only, none */
} inside_rows[] = {
	{"GET", "/v1/info", NULL, {200, 200, 200, 403}},
	{"GET", "/v1/ports", NULL, {200, 200, 200, 403}},
	{"POST", "/v1/ports", SPEC("", "0", "80"), {201, 201, 403, 403}},
	{"POST", "/v1/ports", SPEC("", "1", "80"), {201, 403, 403, 403}},
	{"POST", "/v1/ports", SPEC("", "1023", "80"), {201, 403, 403, 403}},
	{"POST", "/v1/ports", SPEC("", "1024", "80"), {201, 201, 403, 403}},
	{"POST", "/v1/ports", SPEC("", "65535", "80"), {201, 201, 403, 403}},
	{"POST", "/v1/ports", SPEC("", "1024", "60005"), {500, 500, 403, 403}},
	{"POST", "/v1/ports", SPEC("", "8080", "80"), {409, 409, 403, 403}},
	{"POST", "/v1/ports", SPEC("", "80", "80"), {409, 403, 403, 403}},
	{"POST", "/v1/ports", "{", {400, 400, 403, 403}},
	{"DELETE", "/v1/ports/1", NULL, {200, 403, 403, 403}},
	{"DELETE", "/v1/ports/2", NULL, {200, 200, 403, 403}},
	{"DELETE", "/v1/ports/3", NULL, {400, 400, 403, 403}},
	{"DELETE", "/v1/ports/x", NULL, {400, 400, 403, 403}},
	{"DELETE", "/v1/info", NULL, {405, 405, 403, 403}},
	{"GET", "/", NULL, {404, 404, 404, 403}},
};

static void check_inside(size_t row, bool inside, struct owners *owners)
{
	struct fake_ports fake = {.last_id = 2};
	struct api_port ports[] = {
		{.id = 1, .spec = {PROTO_TCP, "", "", 80, 80, ""}},
		{.id = 2, .spec = {PROTO_TCP, "", "", 8080, 80, ""}},
	};
	struct api_request request = {
		.method = inside_rows[row].method,
		.path = inside_rows[row].path,
		.body = inside_rows[row].request,
		.size = inside_rows[row].request ? strlen(inside_rows[row].request) : 0,
		.inside = inside,
		.owners = owners,
	};
	int wanted = inside_rows[row].statuses[inside ? policy : API_INSIDE_FULL];
	struct api_response response;

	for (size_t i = 0; i < ARRAY_SIZE(ports); i++)
		assert_int_equal(api_ports_add(&fake.ports, &ports[i]), 0);
	/* fill_info() takes its @arg for a string; all zero is an empty one. */
	if (streq(request.path, "/v1/info"))
		api_route(&inside_ops, (char[]){""}, &request, &response);
	else
		api_route(&inside_ops, &fake, &request, &response);
	if (response.status != wanted)
		fail_msg("row %zu, policy %d, inside %d: %d %s", row, (int)policy, inside,
			 response.status, response.body);
	if (response.status == 403)
		is_message(response.body);
	/* A refused request changes nothing. */
	if (response.status >= 400)
		assert_int_equal(fake.ports.n, ARRAY_SIZE(ports));
	free(response.body);
	api_ports_clear(&fake.ports);
}

static void applies_the_policy_for_clients_inside(void **state)
{
	struct owners owners;

	(void)state;
	owners_init(&owners, NULL, NULL, NULL);
	/* A network whose ports are as the kernel has them. */
	assert_int_equal(unshare(CLONE_NEWUSER | CLONE_NEWNET), 0);
	assert_int_equal(unprivileged_port_start(), 1024);
	for (size_t i = 0; i < ARRAY_SIZE(inside_rows); i++)
		for (size_t k = 0; k < API_INSIDE_COUNT_; k++) {
			policy = (enum api_inside)k;
			check_inside(i, true, &owners);
			check_inside(i, false, &owners);
		}
}

/* The host's sysctl defines the privileged ports. */
static void reads_the_privileged_ports_from_the_sysctl(void **state)
{
	static const char name[] = "/proc/sys/net/ipv4/ip_unprivileged_port_start";
	struct port_spec spec = {PROTO_UDP, "127.0.0.1", "", 80, 80, ""};
	_cleanup_close_ int fd = open(name, O_WRONLY | O_CLOEXEC);

	(void)state;
	assert_false(inside_may_publish(API_INSIDE_UNPRIVILEGED, &spec));
	assert_int_equal(fd_write_all(fd, "80", 2), 0);
	assert_true(inside_may_publish(API_INSIDE_UNPRIVILEGED, &spec));
	spec.parent_port = 79;
	assert_false(inside_may_publish(API_INSIDE_UNPRIVILEGED, &spec));
	assert_false(inside_may_publish(API_INSIDE_READ_ONLY, &spec));
	assert_true(inside_may_publish(API_INSIDE_FULL, &spec));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_request_gets_its_status),
		cmocka_unit_test(shortens_paths),
		cmocka_unit_test(returns_the_message_of_a_failure),
		cmocka_unit_test(serves_ports),
		cmocka_unit_test(applies_the_policy_for_clients_inside),
		cmocka_unit_test(reads_the_privileged_ports_from_the_sysctl),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

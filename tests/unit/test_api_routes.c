/* SPDX-License-Identifier: Apache-2.0 */
/* The route table: which method and path is answered how. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "api/routes.h"
#include "fauxroot/api/info.h"
#include "fauxroot/api/server.h"
#include "fauxroot/base/err.h"

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

static void answers(void **state)
{
	char version[] = "9.8.7";

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct api_request request = {rows[i].method, rows[i].path};
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
	struct api_request request = {"GET", path};
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

/* What an operation says of its failure is the message, whatever bytes are in it. */
static void passes_failures(void **state)
{
	struct api_request request = {"GET", "/v1/info"};
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers),
		cmocka_unit_test(shortens_paths),
		cmocka_unit_test(passes_failures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

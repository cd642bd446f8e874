/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client with a server of the test: a child process that accepts one connection, copies the
 * request to a pipe, and sends fixed bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "api/limits.h"
#include "fauxroot/api/client.h"
#include "fauxroot/base/clock.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/str.h"

enum { WITHIN_MS = 60000 };

struct fixture {
	char dir[64], path[96];
	int listener;
	pid_t server;
	int asked; /* what the server has been asked */
};

/* How a server behaves after its bytes. */
enum ending {
	CLOSES,
	HANGS,
	DRIBBLES, /* more bytes forever */
	CRAWLS,	  /* sends its bytes one by one, then hangs */
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct sockaddr_un addr = {.sun_family = AF_UNIX};

	*state = f;
	f->asked = -1;
	snprintf(f->dir, sizeof(f->dir), "/tmp/test_api_client.XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/api.sock", f->dir);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", f->path);
	f->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return bind(f->listener, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
			       listen(f->listener, 8) < 0
		       ? -1
		       : 0;
}

static void stop_server(struct fixture *f)
{
	if (f->server > 0) {
		kill(f->server, SIGKILL);
		waitpid(f->server, NULL, 0);
	}
	f->server = 0;
	f->asked = fd_close(f->asked);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	stop_server(f);
	fd_close(f->listener);
	unlink(f->path);
	rmdir(f->dir);
	free(f);
	return 0;
}

static void serve_one(int listener, int asked, const char *answer, enum ending ending)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	char request[4096];
	ssize_t n = recv(fd, request, sizeof(request), 0);

	if (n > 0)
		fd_write_all(asked, request, (size_t)n);
	fd_close(asked);
	for (size_t i = 0; ending == CRAWLS && i < strlen(answer); i++)
		send(fd, answer + i, 1, MSG_NOSIGNAL);
	if (ending != CRAWLS)
		send(fd, answer, strlen(answer), MSG_NOSIGNAL);
	while (ending == DRIBBLES && send(fd, "xxxxxxxxxxxxxxxx", 16, MSG_NOSIGNAL) > 0)
		;
	if (ending == HANGS || ending == CRAWLS)
		for (;;)
			pause();
}

static void start(struct fixture *f, const char *answer, enum ending ending)
{
	int pipe_fds[2];

	stop_server(f);
	assert_int_equal(pipe2(pipe_fds, 0), 0);
	f->server = fork();
	assert_true(f->server >= 0);
	if (f->server == 0) {
		serve_one(f->listener, pipe_fds[1], answer, ending);
		_exit(0);
	}
	fd_close(pipe_fds[1]);
	f->asked = pipe_fds[0];
}

#define OK(body) "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" body

/* Requests byte by byte where it matters; and the answers. */
static void sends_requests_and_reads_answers(void **state)
{
	static const struct {
		const char *method, *path, *body;
		const char *start; /* of the request */
		const char *end;
	} rows[] = {
		{"GET", "/v1/info", NULL, "GET /v1/info HTTP/1.0\r\n", "\r\n\r\n"},
		{"GET", "/v1/../x", NULL, "GET /v1/../x HTTP/1.0\r\n", "\r\n\r\n"},
		{"DELETE", "/v1/ports/7", NULL, "DELETE /v1/ports/7 HTTP/1.0\r\n", "\r\n\r\n"},
		{"POST", "/v1/ports", "{}", "POST /v1/ports HTTP/1.0\r\n", "\r\n\r\n{}"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_api_reply_ struct api_reply reply = {0};
		_cleanup_free_ char *asked = NULL;
		struct error err = {0};

		start(f, OK("hello"), CLOSES);
		if (api_call(f->path, rows[i].method, rows[i].path, rows[i].body, &reply, &err) < 0)
			fail_msg("%s", err.text);
		assert_int_equal(reply.status, 200);
		assert_int_equal(reply.size, 5);
		assert_string_equal(reply.body, "hello");
		assert_int_equal(fd_read_bounded(f->asked, 4096, &asked, NULL), 0);
		assert_non_null(str_after(asked, rows[i].start));
		assert_string_equal(strstr(asked, "\r\n\r\n"), rows[i].end);
		assert_true(!!strstr(asked, "Content-Type: application/json\r\n") ==
			    !!rows[i].body);
		/* A server must not be made to wait for "100 Continue", or to decompress. */
		assert_null(strcasestr(asked, "Expect:"));
		assert_null(strcasestr(asked, "Accept-Encoding:"));
	}
}

#define JSON_ERROR(status, text) \
	"HTTP/1.1 " status "\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" text

static const struct {
	const char *answer;
	long status;
	const char *complaint; /* api_reply_expect(200); NULL: none */
} answers[] = {
	{OK(""), 200, NULL},
	{"HTTP/1.0 200 OK\r\n\r\nx", 200, NULL},
	{"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, NULL},
	{JSON_ERROR("400 Bad Request", "{\"message\":\"no port driver\"}"), 400,
	 "no port driver (HTTP status 400)"},
	{JSON_ERROR("500 X", "{\"message\":7}"), 500, "the server answered HTTP status 500"},
	{JSON_ERROR("500 X", "{\"message\":"), 500, "the server answered HTTP status 500"},
	{JSON_ERROR("500 X", "[1]"), 500, "the server answered HTTP status 500"},
	{JSON_ERROR("404 Not Found", "404 page not found"), 404,
	 "the server answered HTTP status 404"},
	{JSON_ERROR("503 X", ""), 503, "the server answered HTTP status 503"},
	/* The client does not follow a redirection. */
	{"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n", 302,
	 "the server answered HTTP status 302"},
	{"HTTP/1.1 307 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n", 307,
	 "the server answered HTTP status 307"},
};

static void checks_the_status_of_answers(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		_cleanup_api_reply_ struct api_reply reply = {0};
		struct error err = {0};
		int rc;

		start(f, answers[i].answer, CLOSES);
		if (api_call(f->path, "GET", "/", NULL, &reply, &err) < 0)
			fail_msg("row %zu: %s", i, err.text);
		assert_int_equal(reply.status, answers[i].status);
		assert_non_null(reply.body);
		assert_int_equal(strlen(reply.body), reply.size);
		rc = api_reply_expect(&reply, 200, &err);
		assert_int_equal(rc, answers[i].complaint ? -EPROTO : 0);
		if (answers[i].complaint)
			assert_string_equal(err.text, answers[i].complaint);
	}
}

/* A body of known length is the whole answer, although the connection stays open. */
static void stops_at_the_content_length(void **state)
{
	static const char answer[] =
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\n"
		"helloHTTP/1.1 500 next\r\n\r\n";
	struct fixture *f = *state;

	for (size_t i = 0; i < 2; i++) {
		_cleanup_api_reply_ struct api_reply reply = {0};
		struct error err = {0};

		start(f, answer, i == 0 ? HANGS : CRAWLS);
		if (api_call_within(WITHIN_MS, f->path, "GET", "/", NULL, &reply, &err) < 0)
			fail_msg("%s", err.text);
		assert_int_equal(reply.status, 201);
		assert_string_equal(reply.body, "hello");
		assert_int_equal(reply.size, 5);
	}
}

/* A server that refuses a large request answers before it has read all of it. */
static void reads_an_early_answer(void **state)
{
	struct fixture *f = *state;
	_cleanup_api_reply_ struct api_reply reply = {0};
	_cleanup_free_ char *body = malloc((1 << 20) + 1);
	struct error err = {0};

	assert_non_null(body);
	memset(body, 'x', 1 << 20);
	body[1 << 20] = '\0';
	start(f, OK("enough"), CLOSES);
	if (api_call(f->path, "POST", "/", body, &reply, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(reply.body, "enough");
}

/* A stopped launcher accepts no connection, and its listen queue is full. */
static void does_not_wait_forever_to_connect(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct api_reply reply = {0};
	struct error err = {0};
	int waiting[64];
	size_t n = 0;

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", f->path);
	do {
		assert_true(n < ARRAY_SIZE(waiting));
		waiting[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	} while (connect(waiting[n++], (struct sockaddr *)&addr, sizeof(addr)) == 0);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(api_call_within(200, f->path, "GET", "/", NULL, &reply, &err), -ETIMEDOUT);
	while (n > 0)
		fd_close(waiting[--n]);
}

static const struct {
	const char *answer;
	enum ending ending;
	int rc;
	const char *complaint; /* a part of the sentence */
} failures[] = {
	{"", CLOSES, -EPROTO, "has closed the connection without an answer"},
	{"SSH-2.0-x\r\n", CLOSES, -EPROTO, "it is not HTTP"},
	{"HTTP/1.1 200 OK\r\n", CLOSES, -EPROTO, "without an answer"},
	{"SSH-2.0-x\r\n", HANGS, -EPROTO, "it is not HTTP"},
	{"HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n", HANGS, -EFBIG,
	 "larger than 1048576 bytes"},
	{"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", CLOSES, -EPROTO, "is truncated"},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", CLOSES, -EPROTO, ""},
	{"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", CLOSES, -EPROTO, ""},
	{"HTTP/1.1 200 OK\r\n\r\n", DRIBBLES, -EFBIG, "larger than 1048576 bytes"},
	{"HTTP/1.1 200 OK\r\nX: ", DRIBBLES, -EFBIG, "larger than 16384 bytes"},
	{"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", HANGS, -ETIMEDOUT, ""},
	{"", HANGS, -ETIMEDOUT, "within 1 seconds"},
	{"HTTP/1.1 200 OK\r\n\r\nx", HANGS, -ETIMEDOUT, ""},
};

/* With every misbehaviour of a server the client fails in time and names the socket. */
static void fails_in_time(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(failures); i++) {
		unsigned ms = failures[i].ending == HANGS ? 300 : WITHIN_MS;
		_cleanup_api_reply_ struct api_reply reply = {.status = 7};
		int64_t since = clock_ms();
		struct error err = {0};
		int rc;

		start(f, failures[i].answer, failures[i].ending);
		rc = api_call_within(ms, f->path, "GET", "/", NULL, &reply, &err);
		if (failures[i].rc ? rc != failures[i].rc : rc >= 0)
			fail_msg("row %zu: %d %s", i, rc, err.text);
		assert_non_null(strstr(err.text, f->path));
		assert_non_null(strstr(err.text, failures[i].complaint));
		/* Untouched. */
		assert_int_equal(reply.status, 7);
		assert_null(reply.body);
		assert_true(clock_ms() - since < WITHIN_MS);
	}
}

static void names_the_unreachable_socket(void **state)
{
	struct fixture *f = *state;
	char missing[128], deep[200], expected[256];
	struct api_reply reply = {0};
	struct error err = {0};

	snprintf(missing, sizeof(missing), "%s/nothing", f->dir);
	assert_int_equal(api_call(missing, "GET", "/", NULL, &reply, &err), -ENOENT);
	snprintf(expected, sizeof(expected), "connecting to \"%s\": No such file or directory",
		 missing);
	assert_string_equal(err.text, expected);

	/* A socket whose server has exited. */
	shutdown(f->listener, SHUT_RDWR);
	f->listener = fd_close(f->listener);
	assert_int_equal(api_call(f->path, "GET", "/", NULL, &reply, &err), -ECONNREFUSED);

	memset(deep, 'd', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = '\0';
	assert_true(api_call(deep, "GET", "/", NULL, &reply, &err) < 0);
	assert_non_null(strstr(err.text, deep));
}

/* The environment of a machine behind a proxy. */
static void ignores_proxy_variables(void **state)
{
	static const char *const names[] = {"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"};
	struct fixture *f = *state;
	_cleanup_api_reply_ struct api_reply reply = {0};
	struct error err = {0};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		setenv(names[i], "http://127.0.0.1:9", 1);
	start(f, OK("here"), CLOSES);
	assert_int_equal(api_call(f->path, "GET", "/", NULL, &reply, &err), 0);
	assert_string_equal(reply.body, "here");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unsetenv(names[i]);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(sends_requests_and_reads_answers),
		TEST(checks_the_status_of_answers),
		TEST(fails_in_time),
		TEST(names_the_unreachable_socket),
		TEST(ignores_proxy_variables),
		TEST(stops_at_the_content_length),
		TEST(reads_an_early_answer),
		TEST(does_not_wait_forever_to_connect),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

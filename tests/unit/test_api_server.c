/* SPDX-License-Identifier: Apache-2.0 */
/* The REST server over its socket: its exact answers, and the accepted clients. */
#include "test_api_fixture.h"

#include <dirent.h>

static const struct {
	const char *request;
	size_t filler; /* so many bytes 'a' after it */
	int status;
	const char *allow;
} exchanges[] = {
	{"GET /v1/info" CLOSE, 0, 200, ""},
	{"GET /v1/info?a=b&c#d" CLOSE, 0, 200, ""},
	{"GET http://any.host:1/v1/info" CLOSE, 0, 200, ""},
	{"GET /v1/info HTTP/1.0\r\n\r\n", 0, 200, ""},
	{"GET /v1/info HTTP/1.1\r\nConnection: close\r\n\r\n", 0, 200, ""},
	{"GET /v1/info HTTP/1.1\r\nHost: [::1]:99\r\nConnection: close\r\n\r\n", 0, 200, ""},
	{"HEAD /v1/info" CLOSE, 0, 405, "GET"},
	{"PUT /v1/info HTTP/1.1\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}", 0, 405,
	 "GET"},
	{"POST /v1/info" CLOSE, 0, 405, "GET"},
	{"DELETE /v1/info" CLOSE, 0, 405, "GET"},
	{"OPTIONS /v1/info" CLOSE, 0, 405, "GET"},
	{"TRACE /v1/info" CLOSE, 0, 405, "GET"},
	{"PATCH /v1/info" CLOSE, 0, 405, "GET"},
	{"DELETE /v1/ports" CLOSE, 0, 405, "GET, POST"},
	{"OPTIONS *" CLOSE, 0, 404, ""},
	{"GET /" CLOSE, 0, 404, ""},
	{"GET /v1/nothing" CLOSE, 0, 404, ""},
	{"GET /v1/../v1/info" CLOSE, 0, 404, ""},
	{"GET /v1/ports" CLOSE, 0, 400, ""},
	{"DELETE /v1/ports/1" CLOSE, 0, 400, ""},
	{"POST /v1/ports HTTP/1.1\r\nContent-Length: 65536\r\nConnection: close\r\n\r\n", 65536,
	 400, ""},
	/* evhttp itself refuses the following requests and chooses the status. */
	{"PROPFIND /v1/info" CLOSE, 0, 501, ""},
	{"POST /v1/ports HTTP/1.1\r\nContent-Length: 65537\r\n\r\n", 65537, 413, ""},
	{"POST /v1/ports HTTP/1.1\r\nContent-Length: 1073741824\r\n\r\n", 0, 413, ""},
	{"POST /v1/ports HTTP/1.1\r\nContent-Length: 1073741824\r\n\r\n", 1 << 20, 413, ""},
	{"POST /v1/ports HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 0, 400, ""},
	{"POST /v1/ports HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", 0, 413, ""},
	{"POST /v1/ports HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n10001\r\n", 65537, 413, ""},
	{"POST /v1/ports HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n7fffffff\r\n", 0, 413, ""},
	{"POST /v1/ports HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", 0, 413, ""},
	{"GET /v1/info HTTP/1.1\r\nX: ", 16384, 400, ""},
	{"GET /", 16385, 400, ""},
	{"GET /v1/info HTTP/9.9\r\n\r\n", 0, 400, ""},
	{"GET /v1/info\r\n\r\n", 0, 400, ""},
	{"\r\n\r\n", 0, 400, ""},
	{"\x16\x03\x01\x02\r\n", 0, 400, ""},
};

static char *with_filler(const char *start, size_t filler, size_t *ret_size)
{
	size_t n = strlen(start);
	char *all = malloc(n + filler + 1);

	memcpy(all, start, n);
	memset(all + n, 'a', filler);
	*ret_size = n + filler;
	return all;
}

static void check_answer(size_t row, const char *answer)
{
	const char *body = strstr(answer, "\r\n\r\n");
	char buf[128], length[32];
	int status = status_of(answer);

	if (status != exchanges[row].status)
		fail_msg("row %zu, \"%.40s\": %s", row, exchanges[row].request, answer);
	assert_non_null(body);
	body += 4;
	assert_string_equal(header(answer, "Content-Type", buf, sizeof(buf)), "application/json");
	assert_string_equal(header(answer, "Allow", buf, sizeof(buf)), exchanges[row].allow);
	if (str_after(exchanges[row].request, "HEAD")) {
		assert_string_equal(body, "");
		return;
	}
	snprintf(length, sizeof(length), "%zu", strlen(body));
	assert_string_equal(header(answer, "Content-Length", buf, sizeof(buf)), length);
	assert_non_null(
		str_after(body, status == 200 ? "{\"apiVersion\":\"1.1.1\"," : "{\"message\":\""));
}

static void each_exchange_is_answered(void **state)
{
	struct fixture *f = *state;

	start_limited(f, &(struct api_limits){PATIENCE_MS, CONNECTIONS, 0});
	for (size_t i = 0; i < ARRAY_SIZE(exchanges); i++) {
		_cleanup_free_ char *request = NULL;
		char answer[4096];
		size_t size;
		int fd = client(f);

		request = with_filler(exchanges[i].request, exchanges[i].filler, &size);
		say_n(fd, request, size);
		hear_all(fd, answer, sizeof(answer));
		check_answer(i, answer);
	}
}

/* The file has its mode from its creation, with every umask (the server's is 0777). */
static void socket_is_private(void **state)
{
	struct fixture *f = *state;
	char path[128];
	struct stat st;

	start(f);
	snprintf(path, sizeof(path), "%s/api.sock", f->dir);
	assert_int_equal(lstat(path, &st), 0);
	assert_int_equal(st.st_mode, S_IFSOCK | 0600);
}

static void count_inheritable(unsigned *ret)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	uint32_t fd;

	assert_non_null(dir);
	*ret = 0;
	while ((entry = readdir(dir)))
		if (parse_u32(entry->d_name, INT32_MAX, &fd) == 0 &&
		    !(fcntl((int)fd, F_GETFD) & FD_CLOEXEC))
			++*ret;
	closedir(dir);
}

/* In this process: no inheritable descriptors, and the umask is unchanged. */
static void leaves_no_trace(void **state)
{
	struct fixture *f = *state;
	struct event_base *base = event_base_new();
	struct api_server *server = NULL;
	struct error err = {0};
	unsigned before, after;
	mode_t mask = umask(0123);

	count_inheritable(&before);
	assert_int_equal(api_server_start(base, f->dir, server_ops, f, &server, &err), 0);
	count_inheritable(&after);
	assert_int_equal(after, before);
	assert_int_equal(umask(mask), 0123);
	api_server_stop(server);
	event_base_free(base);
}

static void reports_failures(void **state)
{
	struct fixture *f = *state;
	char missing[128], deep[200] = "/", path[128];
	const struct {
		const char *dir;
		int rc;
	} rows[] = {
		{missing, -ENOENT},
		{deep, -ENAMETOOLONG},
		{f->dir, -EADDRINUSE},
	};
	struct event_base *base = event_base_new();
	int fd;

	snprintf(missing, sizeof(missing), "%s/nothing", f->dir);
	memset(deep, 'd', sizeof(deep) - 1);
	snprintf(path, sizeof(path), "%s/api.sock", f->dir);
	fd = open(path, O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	fd_close(fd);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct api_server *server = NULL;
		struct error err = {0};

		assert_int_equal(api_server_start(base, rows[i].dir, server_ops, f, &server, &err),
				 rows[i].rc);
		assert_int_equal(err.step, STEP_API);
		assert_non_null(strstr(err.text, rows[i].dir));
		assert_null(server);
	}
	api_server_stop(NULL);
	event_base_free(base);
}

static void answers_on_one_connection(void **state)
{
	struct fixture *f = *state;
	char answer[4096];
	int fd;

	start(f);
	fd = client(f);
	for (int i = 0; i < 20; i++)
		ask(fd);
	say(fd, "GET /nothing HTTP/1.1\r\n\r\n");
	hear_one(fd, answer, sizeof(answer));
	assert_int_equal(status_of(answer), 404);
	say(fd, "PUT /v1/info HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc");
	hear_one(fd, answer, sizeof(answer));
	assert_int_equal(status_of(answer), 405);
	ask(fd);
}

/* Pipelined requests are answered in their order. */
static void answers_pipelined(void **state)
{
	struct fixture *f = *state;
	char answer[4096];
	int fd;

	start(f);
	fd = client(f);
	for (int i = 0; i < 50; i++)
		say(fd, GET_INFO "GET /nothing HTTP/1.1\r\n\r\n");
	for (int i = 0; i < 100; i++) {
		hear_one(fd, answer, sizeof(answer));
		assert_int_equal(status_of(answer), i % 2 ? 404 : 200);
	}
	ask(fd);
}

/* A request may arrive byte by byte. */
static void reads_requests_in_pieces(void **state)
{
	static const char request[] = GET_INFO;
	struct fixture *f = *state;
	char answer[4096];

	start_limited(f, &(struct api_limits){PATIENCE_MS, CONNECTIONS, 0});
	for (size_t at = 1; at < strlen(request); at++) {
		int fd = client(f);

		say_n(fd, request, at);
		/* Another client's answer proves that the piece has been read. */
		if (at % 8 == 0)
			ask(client(f));
		say(fd, request + at);
		hear_one(fd, answer, sizeof(answer));
		assert_int_equal(status_of(answer), 200);
	}
}

static void sends_100_continue_on_request(void **state)
{
	struct fixture *f = *state;
	char answer[4096];
	size_t n;
	int fd;

	start(f);
	fd = client(f);
	say(fd, "POST /v1/ports HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
	n = hear(fd, answer, sizeof(answer) - 1);
	answer[n] = '\0';
	assert_string_equal(answer, "HTTP/1.1 100 Continue\r\n\r\n");
	say(fd, "{}");
	hear_one(fd, answer, sizeof(answer));
	assert_int_equal(status_of(answer), 400);
}

/* An answer larger than all buffers arrives completely, even if the connection is closed then. */
static void sends_large_answers_whole(void **state)
{
	static const char *const requests[] = {GET_INFO, "GET /v1/info" CLOSE};
	struct fixture *f = *state;
	_cleanup_free_ char *answer = malloc(BIG_SIZE + (128 << 10));

	f->big = true;
	start_limited(f, &(struct api_limits){PATIENCE_MS, CONNECTIONS, 0});
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		int fd = client(f);
		size_t have = 0;

		say(fd, requests[i]);
		while (have == 0 || answer[have - 1] != '}') {
			size_t n = hear(fd, answer + have, 64 << 10);

			assert_true(n > 0);
			have += n;
			assert_true(have <= BIG_SIZE + (64 << 10));
		}
		answer[have] = '\0';
		assert_int_equal(status_of(answer), 200);
		assert_int_equal(strspn(strstr(answer, "xxx"), "x"), BIG_SIZE);
		if (i == 1)
			assert_true(is_closed(fd));
		else
			assert_false(readable_within(fd, 0));
	}
}

/* No SIGPIPE, no leak; the server has its default action for it. */
static void survives_clients_that_leave(void **state)
{
	static const char ahead[] = GET_INFO GET_INFO "GET ";
	const char *const requests[] = {
		"",
		"GET",
		GET_INFO,
		ahead,
		"PROPFIND / HTTP/1.1\r\n\r\n",
		"POST /v1/ports HTTP/1.1\r\nContent-Length: 100\r\n\r\nx",
	};
	struct fixture *f = *state;

	start(f);
	for (int round = 0; round < 20; round++)
		for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
			int fd = client(f);

			say(fd, requests[i]);
			if (round % 2)
				shutdown(fd, SHUT_RD);
			f->clients[--f->n_clients] = fd_close(fd);
		}
	ask(client(f));
}

/* The program "knock PATH", run as another user: returns 0 if no byte was received. */
static int knock(const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char byte;

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return 2;
	send(fd, GET_INFO, strlen(GET_INFO), MSG_NOSIGNAL);
	if (!readable_within(fd, PATIENCE_MS))
		return 3;
	return recv(fd, &byte, 1, 0) == 1;
}

/* A process of another user: as root change the uid, otherwise use one of our subordinate ids. */
static int knock_as_stranger(const char *path)
{
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int status = -1;
	pid_t pid;

	assert_true(n > 0);
	self[n] = '\0';
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		if (geteuid() == 0)
			_exit(setgid(65534) < 0 || setuid(65534) < 0 ? 4 : knock(path));
		execlp("unshare", "unshare", "--user", "--map-auto", "--setuid", "5", "--setgid",
		       "5", self, "knock", path, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void refuses_strangers(void **state)
{
	struct fixture *f = *state;
	char path[128];

	start(f);
	snprintf(path, sizeof(path), "%s/api.sock", f->dir);
	/* Open the permissions of the directory and the socket, which would refuse the client. */
	assert_int_equal(chmod(f->dir, 0755), 0);
	assert_int_equal(chmod(path, 0666), 0);
	assert_int_equal(knock_as_stranger(path), 0);
	assert_int_equal(knock(path), 1);
	ask(client(f));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(each_exchange_is_answered), TEST(socket_is_private),
		TEST(leaves_no_trace),		 TEST(reports_failures),
		TEST(answers_on_one_connection), TEST(answers_pipelined),
		TEST(reads_requests_in_pieces),	 TEST(sends_100_continue_on_request),
		TEST(sends_large_answers_whole), TEST(survives_clients_that_leave),
		TEST(refuses_strangers),
	};

	if (argc == 3 && streq(argv[1], "knock"))
		return knock(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

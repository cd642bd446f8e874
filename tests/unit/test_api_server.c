/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The REST server over its socket: a real one in a process of its own, raw bytes of clients from
 * this one. Its bounds in time are short here; every wait of ours ends after five seconds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include <event2/event.h>

#include "api/limits.h"
#include "fauxroot/api/info.h"
#include "fauxroot/api/server.h"
#include "fauxroot/base/clock.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/spawn.h"

enum {
	PATIENCE_MS = 5000,
	REQUEST_MS = 300, /* unless a test needs something else */
	CONNECTIONS = 8,
	BIG_SIZE = 3 << 20, /* more than a socket's buffer takes */
	MAX_CLIENTS = 512,
};

struct fixture {
	char dir[64];
	pid_t server;
	int clients[MAX_CLIENTS];
	unsigned n_clients;
	bool big; /* the answer to GET /v1/info */
	rlim_t spare_fds;
};

/*
 * The server's process.
 */

static int fill_info(void *arg, struct api_info *ret, struct error *err)
{
	const struct fixture *f = arg;

	(void)err;
	ret->version = strdup("0.1.0");
	ret->state_dir = strdup(f->dir);
	ret->child_pid = 42;
	if (f->big) {
		free(ret->version);
		ret->version = malloc(BIG_SIZE + 1);
		memset(ret->version, 'x', BIG_SIZE);
		ret->version[BIG_SIZE] = '\0';
	}
	return 0;
}

static const struct api_ops ops = {.info = fill_info};

static void on_term(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	event_base_loopbreak(arg);
}

/* Leave @spare descriptors for connections. */
static void limit_fds(rlim_t spare)
{
	int lowest = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct rlimit limit = {.rlim_cur = (rlim_t)lowest + spare, .rlim_max = RLIM_INFINITY};

	fd_close(lowest);
	getrlimit(RLIMIT_NOFILE, &(struct rlimit){0});
	limit.rlim_max = limit.rlim_cur;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* exit(), not _exit(): the leak checker of sanitizer builds runs then, and its status is ours. */
static void serve(struct fixture *f, const struct api_limits *limits, int ready)
{
	struct event_base *base = event_base_new();
	struct event *term = evsignal_new(base, SIGTERM, on_term, base);
	struct api_server *server = NULL;
	struct error err = {0};

	event_add(term, NULL);
	umask(0777);
	if (api_server_start_limited(base, f->dir, limits, &ops, f, &server, &err) < 0) {
		print_error("%s\n", err.text);
		exit(1);
	}
	if (f->spare_fds > 0)
		limit_fds(f->spare_fds);
	fd_write_all(ready, "r", 1);
	event_base_dispatch(base);
	api_server_stop(server);
	event_free(term);
	event_base_free(base);
	exit(0);
}

static void start_limited(struct fixture *f, const struct api_limits *limits)
{
	int ready[2];
	char byte;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	fflush(NULL);
	f->server = fork();
	assert_true(f->server >= 0);
	if (f->server == 0)
		serve(f, limits, ready[1]);
	fd_close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	fd_close(ready[0]);
}

static void start(struct fixture *f)
{
	start_limited(f, &(struct api_limits){REQUEST_MS, CONNECTIONS});
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->dir, sizeof(f->dir), "/tmp/test_api_server.XXXXXX");
	*state = f;
	return mkdtemp(f->dir) ? 0 : -1;
}

/* Whatever the clients have done: the server has lived until now, ends when asked, without a leak.
 */
static int tear_down(void **state)
{
	struct fixture *f = *state;
	char path[128];
	int status = 0;

	if (f->server > 0) {
		kill(f->server, SIGTERM);
		waitpid(f->server, &status, 0);
	}
	for (unsigned i = 0; i < f->n_clients; i++)
		fd_close(f->clients[i]);
	snprintf(path, sizeof(path), "%s/api.sock", f->dir);
	unlink(path);
	rmdir(f->dir);
	free(f);
	if (status != 0)
		print_error("the server's wait status is %d\n", status);
	return status;
}

/*
 * Clients.
 */

static int client(struct fixture *f)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/api.sock", f->dir);
	assert_true(fd >= 0 && f->n_clients < MAX_CLIENTS);
	f->clients[f->n_clients++] = fd;
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

static void say_n(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t n = send(fd, data, size, MSG_NOSIGNAL);

		/* The server may refuse before it has read all. */
		if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
			return;
		assert_true(n > 0);
		data += n;
		size -= (size_t)n;
	}
}

static void say(int fd, const char *text)
{
	say_n(fd, text, strlen(text));
}

static bool readable_within(int fd, int ms)
{
	struct deadline deadline = deadline_in(ms);

	return fd_wait(fd, POLLIN, &deadline, -1) == 0;
}

/* One read(2); 0 at the end of file, which a reset is, too. */
static size_t hear(int fd, char *buf, size_t size)
{
	ssize_t n;

	if (!readable_within(fd, PATIENCE_MS))
		fail_msg("nothing from the server for %d ms", PATIENCE_MS);
	n = recv(fd, buf, size, 0);
	if (n < 0 && errno == ECONNRESET)
		return 0;
	assert_true(n >= 0);
	return (size_t)n;
}

static bool is_closed(int fd)
{
	char byte;

	return hear(fd, &byte, 1) == 0;
}

/* All until the end of file. Returns its size; @buf is terminated. */
static size_t hear_all(int fd, char *buf, size_t size)
{
	size_t have = 0, n;

	while ((n = hear(fd, buf + have, size - 1 - have)) > 0) {
		have += n;
		assert_true(have < size - 1);
	}
	buf[have] = '\0';
	return have;
}

static const char *header(const char *answer, const char *name, char *buf, size_t size)
{
	const char *at, *end = strstr(answer, "\r\n\r\n");

	snprintf(buf, size, "\r\n%s: ", name);
	at = strstr(answer, buf);
	if (!at || at > end)
		return "";
	at += strlen(buf);
	snprintf(buf, size, "%.*s", (int)strcspn(at, "\r"), at);
	return buf;
}

/* One whole answer on a connection that stays open; its body begins at the returned place. */
static const char *hear_one(int fd, char *buf, size_t size)
{
	size_t have = 0;
	const char *body;
	char length[32];
	uint32_t want;

	buf[0] = '\0';
	do {
		size_t n = hear(fd, buf + have, 1);

		assert_int_equal(n, 1);
		have += n;
		buf[have] = '\0';
		assert_true(have < size - 1);
	} while (!strstr(buf, "\r\n\r\n"));
	body = buf + have;
	assert_int_equal(parse_u32(header(buf, "Content-Length", length, sizeof(length)), 1 << 20,
				   &want),
			 0);
	for (; want > 0; want--) {
		have += hear(fd, buf + have, 1);
		buf[have] = '\0';
		assert_true(have < size - 1);
	}
	return body;
}

static int status_of(const char *answer)
{
	const char *after = str_after(answer, "HTTP/1.");
	struct cursor c;
	uint32_t status;

	if (!after || *after == '\0')
		return -1;
	c = cursor_of(after + 1);
	return cursor_char(&c, ' ') && cursor_u32(&c, 999, &status) == 0 ? (int)status : -1;
}

#define GET_INFO "GET /v1/info HTTP/1.1\r\nHost: x\r\n\r\n"

static void ask(int fd)
{
	char answer[4096];

	say(fd, GET_INFO);
	hear_one(fd, answer, sizeof(answer));
	assert_int_equal(status_of(answer), 200);
}

/*
 * Tests.
 */

static const struct {
	const char *request;
	size_t filler; /* so many bytes 'a' after it */
	int status;
	const char *allow;
} exchanges[] = {
#define CLOSE " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
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
	/* From here on evhttp refuses by itself, and chooses the status. */
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

static void answers(void **state)
{
	struct fixture *f = *state;

	start_limited(f, &(struct api_limits){PATIENCE_MS, CONNECTIONS});
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

/* The file has its mode from the first moment, the umask notwithstanding (the server's is 0777). */
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

/* In this process: nothing that a target would inherit, and the umask is as before. */
static void leaves_no_trace(void **state)
{
	struct fixture *f = *state;
	struct event_base *base = event_base_new();
	struct api_server *server = NULL;
	struct error err = {0};
	unsigned before, after;
	mode_t mask = umask(0123);

	count_inheritable(&before);
	assert_int_equal(api_server_start(base, f->dir, &ops, f, &server, &err), 0);
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

		assert_int_equal(api_server_start(base, rows[i].dir, &ops, f, &server, &err),
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

/* Requests sent ahead are answered in their order. */
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

/* A request that is split at every byte is a request. */
static void takes_requests_in_pieces(void **state)
{
	static const char request[] = GET_INFO;
	struct fixture *f = *state;
	char answer[4096];

	start_limited(f, &(struct api_limits){PATIENCE_MS, CONNECTIONS});
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

static void continues_when_asked(void **state)
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

static void cuts_silence(void **state)
{
	struct fixture *f = *state;
	int fd;

	start(f);
	fd = client(f);
	assert_true(is_closed(fd));
	ask(client(f));
}

/* Bytes that come steadily do not put the deadline off, in no part of a request. */
static void cuts_the_slow(void **state)
{
	static const char *const starts[] = {
		"",
		"GET /v1/info HTTP/1.1\r\nX: ",
		"POST /v1/ports HTTP/1.1\r\nContent-Length: 60000\r\n\r\n",
		"POST /v1/ports HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nea60\r\n",
	};
	struct fixture *f = *state;

	start(f);
	for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
		struct deadline patience = deadline_in(PATIENCE_MS);
		int64_t since = clock_ms(), took;
		int fd = client(f);

		say(fd, starts[i]);
		while (!readable_within(fd, 20)) {
			assert_true(deadline_left(&patience) > 0);
			say(fd, "a");
		}
		took = clock_ms() - since;
		assert_true(is_closed(fd));
		assert_true(took >= REQUEST_MS - 50);
	}
	ask(client(f));
}

/* The deadline is a request's: an answered client may stay. */
static void keeps_the_idle(void **state)
{
	struct fixture *f = *state;
	int fd;

	start(f);
	fd = client(f);
	for (int i = 0; i < 2; i++) {
		ask(fd);
		assert_false(readable_within(fd, 2 * REQUEST_MS));
	}
	ask(fd);
}

/* 256 are open; each further one takes the place of the longest idle, and of no other. */
static void longest_idle_makes_room(void **state)
{
	enum { MANY = 256, MORE = 40 };
	struct fixture *f = *state;
	int first, fds[MANY + MORE];

	start_limited(f, &(struct api_limits){PATIENCE_MS, MANY});
	for (int i = 0; i < MANY; i++)
		ask(fds[i] = client(f));
	/* The first is not the longest idle any more. */
	first = fds[0];
	ask(first);
	for (int i = 0; i < MORE; i++) {
		ask(fds[MANY + i] = client(f));
		assert_true(is_closed(fds[1 + i]));
	}
	assert_false(readable_within(first, 0));
	for (int i = MORE + 1; i < MANY + MORE; i++)
		assert_false(readable_within(fds[i], 0));
	ask(first);
	ask(fds[MORE + 1]);
}

/* All at once, more than the limit: those that ask are answered. */
static void serves_a_crowd(void **state)
{
	enum { CROWD = 200 };
	struct fixture *f = *state;
	char answer[4096];
	int fds[CROWD];

	start_limited(f, &(struct api_limits){PATIENCE_MS, CONNECTIONS});
	for (int i = 0; i < CROWD; i++) {
		fds[i] = client(f);
		say(fds[i], GET_INFO);
	}
	for (int i = 0; i < CROWD; i++) {
		hear_one(fds[i], answer, sizeof(answer));
		assert_int_equal(status_of(answer), 200);
	}
	ask(client(f));
}

/* Where all are within a request, the next client waits until the first of them is through. */
static void waits_while_all_are_busy(void **state)
{
	struct fixture *f = *state;
	char answer[4096];
	int fds[CONNECTIONS], last;

	start_limited(f, &(struct api_limits){PATIENCE_MS, CONNECTIONS});
	for (int i = 0; i < CONNECTIONS; i++)
		ask(fds[i] = client(f));
	for (int i = 0; i < CONNECTIONS; i++)
		say(fds[i], "GET /v1/");
	/* Its place in the queue is behind the pieces, which it needs not be in the server. */
	last = client(f);
	say(last, GET_INFO);
	for (int i = 0; i < CONNECTIONS; i++) {
		if (readable_within(fds[i], 0))
			continue;
		say(fds[i], "info HTTP/1.1\r\n\r\n");
	}
	hear_one(last, answer, sizeof(answer));
	assert_int_equal(status_of(answer), 200);
}

/* Busy for ever: the deadline makes room. */
static void the_stuck_make_room(void **state)
{
	struct fixture *f = *state;
	char answer[4096];
	int fds[CONNECTIONS], last;

	start(f);
	for (int i = 0; i < CONNECTIONS; i++) {
		fds[i] = client(f);
		say(fds[i], "GET /v1/");
	}
	last = client(f);
	say(last, GET_INFO);
	hear_one(last, answer, sizeof(answer));
	assert_int_equal(status_of(answer), 200);
	for (int i = 0; i < CONNECTIONS; i++)
		assert_true(is_closed(fds[i]));
}

/* A client that sends requests and never reads: its buffers are bounded, and so is its time. */
static void bounds_what_is_in_flight(void **state)
{
	struct fixture *f = *state;
	size_t sent = 0;
	int fd;

	start(f);
	fd = client(f);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	for (;;) {
		struct deadline patience = deadline_in(PATIENCE_MS);
		ssize_t n = send(fd, GET_INFO GET_INFO GET_INFO GET_INFO, 4 * strlen(GET_INFO),
				 MSG_NOSIGNAL);

		if (n > 0)
			sent += (size_t)n;
		else if (errno == EAGAIN)
			assert_int_equal(fd_wait(fd, POLLOUT, &patience, -1), 0);
		else
			break;
		/* The sockets' buffers hold some hundred KiB of requests and of answers. */
		assert_true(sent < 4 << 20);
	}
	assert_true(errno == EPIPE || errno == ECONNRESET);
	ask(client(f));
}

/* An answer larger than all buffers arrives whole, also where the connection is then closed. */
static void sends_large_answers_whole(void **state)
{
	static const char *const requests[] = {GET_INFO, "GET /v1/info" CLOSE};
	struct fixture *f = *state;
	_cleanup_free_ char *answer = malloc(BIG_SIZE + (128 << 10));

	f->big = true;
	start_limited(f, &(struct api_limits){PATIENCE_MS, CONNECTIONS});
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
	static const char *const requests[] = {
		"",
		"GET",
		GET_INFO,
		GET_INFO GET_INFO "GET ",
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

/* Descriptors for three connections, and clients that keep theirs. */
static void survives_without_descriptors(void **state)
{
	struct fixture *f = *state;

	f->spare_fds = 4; /* one of them to find out */
	start_limited(f, &(struct api_limits){PATIENCE_MS, 100});
	for (int i = 0; i < 30; i++)
		ask(client(f));
}

/* As the program "knock PATH", run as somebody else: 0 where no byte has come back. */
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

/* Another user's process: one that root becomes, else one of our subordinate ids. */
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
	/* Two doors that are shut otherwise. */
	assert_int_equal(chmod(f->dir, 0755), 0);
	assert_int_equal(chmod(path, 0666), 0);
	assert_int_equal(knock_as_stranger(path), 0);
	assert_int_equal(knock(path), 1);
	ask(client(f));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(answers),
		TEST(socket_is_private),
		TEST(leaves_no_trace),
		TEST(reports_failures),
		TEST(answers_on_one_connection),
		TEST(answers_pipelined),
		TEST(takes_requests_in_pieces),
		TEST(continues_when_asked),
		TEST(cuts_silence),
		TEST(cuts_the_slow),
		TEST(keeps_the_idle),
		TEST(longest_idle_makes_room),
		TEST(serves_a_crowd),
		TEST(waits_while_all_are_busy),
		TEST(the_stuck_make_room),
		TEST(bounds_what_is_in_flight),
		TEST(sends_large_answers_whole),
		TEST(survives_clients_that_leave),
		TEST(survives_without_descriptors),
		TEST(refuses_strangers),
	};

	if (argc == 3 && streq(argv[1], "knock"))
		return knock(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

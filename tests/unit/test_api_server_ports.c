/* SPDX-License-Identifier: Apache-2.0 */
/* Ports over the REST server's socket: bodies of all forms and sizes, many clients, disconnects. */
#include <dirent.h>
#include <sched.h>
#include <sys/prctl.h>

#include "test_api_fixture.h"

#define SPEC "{\"proto\":\"tcp\",\"parentPort\":0,\"childPort\":80}"

static void start_with_ports(struct fixture *f)
{
	f->has_ports = true;
	start_limited(f, &(struct api_limits){PATIENCE_MS, 64, 0});
}

/* One request on a connection that stays open. Returns the status; @answer is the whole answer. */
static int send_one(int fd, const char *method, const char *path, const char *body, size_t size,
		    char *answer, size_t room)
{
	char head[256];

	snprintf(head, sizeof(head), "%s %s HTTP/1.1\r\nContent-Length: %zu\r\n\r\n", method, path,
		 size);
	say(fd, head);
	say_n(fd, body, size);
	hear_one(fd, answer, room);
	return status_of(answer);
}

static int ask_for(int fd, const char *method, const char *path, const char *body)
{
	char answer[8192];

	return send_one(fd, method, path, body, strlen(body), answer, sizeof(answer));
}

static unsigned count_ports(struct fixture *f)
{
	_cleanup_free_ char *answer = malloc(1 << 20);
	int fd = client(f);
	unsigned n = 0;

	assert_int_equal(send_one(fd, "GET", "/v1/ports", "", 0, answer, 1 << 20), 200);
	for (const char *at = answer; (at = strstr(at, "{\"id\":")); at++)
		n++;
	return n;
}

static void answers_byte_by_byte(void **state)
{
	struct fixture *f = *state;
	char answer[4096], buf[64];
	int fd;

	start_with_ports(f);
	fd = client(f);
	assert_int_equal(
		send_one(fd, "POST", "/v1/ports", SPEC, strlen(SPEC), answer, sizeof(answer)), 201);
	assert_string_equal(header(answer, "Content-Type", buf, sizeof(buf)), "application/json");
	assert_string_equal(strstr(answer, "\r\n\r\n") + 4,
			    "{\"id\":1,\"spec\":{\"proto\":\"tcp\",\"parentPort\":40001,"
			    "\"childPort\":80}}");
	assert_int_equal(send_one(fd, "DELETE", "/v1/ports/1", "", 0, answer, sizeof(answer)), 200);
	assert_string_equal(header(answer, "Content-Length", buf, sizeof(buf)), "0");
	assert_string_equal(header(answer, "Content-Type", buf, sizeof(buf)), "");
	assert_string_equal(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
	assert_int_equal(send_one(fd, "GET", "/v1/ports", "", 0, answer, sizeof(answer)), 200);
	assert_string_equal(strstr(answer, "\r\n\r\n") + 4, "[]");
}

/* The body in chunks, and in as many pieces as it has bytes. */
static void reads_bodies_in_pieces(void **state)
{
	static const char spec[] = SPEC;
	struct fixture *f = *state;
	char answer[4096], piece[32];
	int fd;

	start_with_ports(f);
	fd = client(f);
	say(fd, "POST /v1/ports HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
	for (size_t i = 0; i < strlen(spec); i++) {
		snprintf(piece, sizeof(piece), "1\r\n%c\r\n", spec[i]);
		say(fd, piece);
	}
	say(fd, "0\r\n\r\n");
	hear_one(fd, answer, sizeof(answer));
	assert_int_equal(status_of(answer), 201);
	assert_int_equal(count_ports(f), 1);
}

/* 64 KiB are accepted, one byte more is refused; 1 GiB is refused before it is sent. */
static void limits_the_size_of_bodies(void **state)
{
	enum { MOST = 64 << 10 };
	_cleanup_free_ char *body = malloc(MOST + 1);
	struct fixture *f = *state;
	char answer[4096];

	start_with_ports(f);
	memset(body, ' ', MOST + 1);
	memcpy(body, SPEC, strlen(SPEC));
	assert_int_equal(
		send_one(client(f), "POST", "/v1/ports", body, MOST, answer, sizeof(answer)), 201);
	assert_int_equal(send_one(client(f), "POST", "/v1/ports", body, MOST + 1, answer,
				  sizeof(answer)),
			 413);
	for (int i = 0; i < 2; i++) {
		int fd = client(f);

		say(fd, "POST /v1/ports HTTP/1.1\r\nContent-Length: 1073741824\r\n\r\n");
		for (int sent = 0; i == 1 && sent < 64; sent++)
			say_n(fd, body, MOST);
		hear_one(fd, answer, sizeof(answer));
		assert_int_equal(status_of(answer), 413);
		assert_true(is_closed(fd));
	}
	assert_int_equal(count_ports(f), 1);
}

/* 100,000 levels are larger than the limit of a body; a smaller body is refused for its depth. */
static void limits_the_depth_of_json(void **state)
{
	enum { DEEP = 100000, MOST = 64 << 10 };
	_cleanup_free_ char *body = malloc(DEEP);
	struct fixture *f = *state;
	char answer[4096];

	start_with_ports(f);
	memset(body, '[', DEEP);
	assert_int_equal(
		send_one(client(f), "POST", "/v1/ports", body, DEEP, answer, sizeof(answer)), 413);
	assert_int_equal(
		send_one(client(f), "POST", "/v1/ports", body, MOST, answer, sizeof(answer)), 400);
	assert_non_null(strstr(answer, "maximum parsing depth reached"));
	ask(client(f));
}

/* Clients that add and remove at once, their requests interleaved at random points. */
static void survives_races(void **state)
{
	enum { CLIENTS = 16, ROUNDS = 50 };
	static const char add[] = "POST /v1/ports HTTP/1.1\r\nContent-Length: 45\r\n\r\n" SPEC;
	struct fixture *f = *state;
	unsigned added = 0, removed = 0;
	int fds[CLIENTS];

	static_assert(sizeof(SPEC) == 45 + 1, "the length that is said");
	start_with_ports(f);
	for (int i = 0; i < CLIENTS; i++)
		fds[i] = client(f);
	for (unsigned round = 0; round < ROUNDS; round++) {
		char answer[4096], request[128];

		for (unsigned i = 0; i < CLIENTS; i++) {
			/* Two clients remove the same id, which may not exist yet. */
			snprintf(request, sizeof(request), "DELETE /v1/ports/%u HTTP/1.1\r\n\r\n",
				 round * (CLIENTS / 2) + (i / 4) + 1);
			say(fds[i], i % 2 ? add : request);
		}
		for (int i = 0; i < CLIENTS; i++) {
			int status;

			hear_one(fds[i], answer, sizeof(answer));
			status = status_of(answer);
			assert_true(i % 2 ? status == 201 : status == 200 || status == 400);
			added += status == 201;
			removed += status == 200;
		}
	}
	assert_int_equal(added, ROUNDS * CLIENTS / 2);
	assert_true(removed > 0);
	assert_int_equal(count_ports(f), added - removed);
}

/* Stop the server: it does not read what clients do until SIGCONT. */
static void stop_server(const struct fixture *f)
{
	int status = 0;

	assert_int_equal(kill(f->server, SIGSTOP), 0);
	assert_int_equal(waitpid(f->server, &status, WUNTRACED), f->server);
	assert_true(WIFSTOPPED(status));
}

/* The request of a client that has disconnected is not executed, whether whole or in part. */
static void survives_clients_that_leave(void **state)
{
	static const char request[] = "POST /v1/ports HTTP/1.1\r\nContent-Length: 45\r\n\r\n" SPEC;
	struct fixture *f = *state;
	char answer[4096];
	int waits;

	start_with_ports(f);
	for (size_t n = 1; n < strlen(request); n++) {
		int fd = client(f);

		say_n(fd, request, n);
		f->clients[--f->n_clients] = fd_close(fd);
	}
	/* A whole request, on a connection that the server knows, and on one that it does not. The
	 * server sees the request together with the end: it would execute a request without it. */
	for (int known = 0; known < 2; known++) {
		int fd = client(f);

		/* Now the server has accepted all clients: there is room in its queue. */
		ask(fd);
		stop_server(f);
		if (!known)
			fd = client(f);
		say_n(fd, request, strlen(request));
		f->clients[--f->n_clients] = fd_close(fd);
		assert_int_equal(kill(f->server, SIGCONT), 0);
	}
	/* The last clients have sent a complete request, but would not learn the id of its port. */
	for (int i = 0; i < 20; i++)
		assert_int_equal(count_ports(f), 0);
	/* A client that has closed only its own side waits for the answer. */
	waits = client(f);
	say_n(waits, request, strlen(request));
	assert_int_equal(shutdown(waits, SHUT_WR), 0);
	hear_one(waits, answer, sizeof(answer));
	assert_int_equal(status_of(answer), 201);
	assert_int_equal(count_ports(f), 1);
}

/*
 * Clients in processes of their own.
 */

#define OWNED "{\"proto\":\"tcp\",\"parentPort\":0,\"childPort\":80,\"owner\":\"peer\"}"

/* A process that requests a port, @owned or not, and runs until it is killed. With @leaves its
 * connection stays open in this process. */
static pid_t start_client(struct fixture *f, const char *body, bool leaves)
{
	int ready[2], fd = leaves ? client(f) : -1, status = 0;
	pid_t pid;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		status = ask_for(leaves ? fd : client(f), "POST", "/v1/ports", body);
		(void)fd_write_all(ready[1], &status, sizeof(status));
		pause();
		_exit(0);
	}
	fd_close(ready[1]);
	assert_int_equal(read(ready[0], &status, sizeof(status)), sizeof(status));
	fd_close(ready[0]);
	assert_int_equal(status, 201);
	return pid;
}

static void end_client(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static unsigned count_fds(pid_t pid)
{
	char path[64];
	unsigned n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* A port with an owner is removed when that process exits; other ports stay. */
static void removes_ports_of_exited_owners(void **state)
{
	struct deadline patience = deadline_in(PATIENCE_MS);
	struct fixture *f = *state;
	char answer[4096];
	pid_t plain, owners[3];
	unsigned fds;
	int fd;

	start_with_ports(f);
	fd = client(f);
	assert_int_equal(ask_for(fd, "GET", "/v1/ports", ""), 200);
	fds = count_fds(f->server);
	plain = start_client(f, SPEC, false);
	for (size_t i = 0; i < ARRAY_SIZE(owners); i++)
		owners[i] = start_client(f, OWNED, false);
	assert_int_equal(send_one(fd, "GET", "/v1/ports", "", 0, answer, sizeof(answer)), 200);
	assert_null(strstr(strstr(answer, "{\"id\":1,"), "\"owner\":\"peer\"},{\"id\":2,"));
	for (unsigned id = 2; id <= 4; id++) {
		char shown[128];

		snprintf(shown, sizeof(shown),
			 "{\"id\":%u,\"spec\":{\"proto\":\"tcp\",\"parentPort\":%u,\"childPort\":"
			 "80},"
			 "\"owner\":\"peer\"}",
			 id, 40000 + id);
		assert_non_null(strstr(answer, shown));
	}
	end_client(plain);
	end_client(owners[0]);
	assert_int_equal(count_ports(f), 3);
	/* The owner of a removed port is not watched any more. */
	assert_int_equal(ask_for(fd, "DELETE", "/v1/ports/3", ""), 200);
	end_client(owners[1]);
	assert_int_equal(count_ports(f), 2);
	end_client(owners[2]);
	assert_int_equal(ask_for(fd, "DELETE", "/v1/ports/4", ""), 400);
	assert_int_equal(count_ports(f), 1);
	/* All other clients of this process are still connected. */
	while (count_fds(f->server) > fds + f->n_clients - 1)
		assert_true(deadline_left(&patience) > 0);
}

/* Without further requests: the event loop detects the exit. */
static void removes_them_without_a_request(void **state)
{
	struct deadline patience = deadline_in(PATIENCE_MS);
	struct fixture *f = *state;
	unsigned before;
	pid_t pid;

	start_with_ports(f);
	ask(client(f));
	before = count_fds(f->server);
	pid = start_client(f, OWNED, false);
	assert_true(count_fds(f->server) > before);
	end_client(pid);
	while (count_fds(f->server) > before)
		assert_true(deadline_left(&patience) > 0);
	assert_int_equal(count_ports(f), 0);
}

/* The owner is the process that has connected, not the process that writes: here this process. */
static void the_connecting_process_is_the_owner(void **state)
{
	struct fixture *f = *state;

	start_with_ports(f);
	end_client(start_client(f, OWNED, true));
	assert_int_equal(count_ports(f), 1);
}

/* Without a descriptor for the owner's pidfd no port is published. */
static void publishes_no_port_without_its_owner(void **state)
{
	struct rlimit none, saved;
	struct fixture *f = *state;
	int fd;

	start_with_ports(f);
	fd = client(f);
	ask(fd);
	assert_int_equal(prlimit(f->server, RLIMIT_NOFILE, NULL, &saved), 0);
	none = (struct rlimit){.rlim_cur = 0, .rlim_max = saved.rlim_max};
	assert_int_equal(prlimit(f->server, RLIMIT_NOFILE, &none, NULL), 0);
	assert_int_equal(ask_for(fd, "POST", "/v1/ports", OWNED), 500);
	assert_int_equal(prlimit(f->server, RLIMIT_NOFILE, &saved, NULL), 0);
	assert_int_equal(count_ports(f), 0);
	assert_int_equal(ask_for(fd, "POST", "/v1/ports", OWNED), 201);
}

/* The answers for a client in a descendant user namespace: GET info, GET ports, POST and DELETE. */
static void request_from_a_descendant_namespace(struct fixture *f, bool below, int ret[4])
{
	int ready[2], statuses[4];
	pid_t pid;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		int fd;

		if (below && unshare(CLONE_NEWUSER) < 0)
			_exit(1);
		fd = client(f);
		statuses[0] = ask_for(fd, "GET", "/v1/info", "");
		statuses[1] = ask_for(fd, "GET", "/v1/ports", "");
		statuses[2] = ask_for(fd, "POST", "/v1/ports", SPEC);
		statuses[3] = ask_for(fd, "DELETE", "/v1/ports/1", "");
		(void)fd_write_all(ready[1], statuses, sizeof(statuses));
		_exit(0);
	}
	fd_close(ready[1]);
	assert_int_equal(read(ready[0], ret, sizeof(statuses)), sizeof(statuses));
	fd_close(ready[0]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void distinguishes_clients_inside_and_outside(void **state)
{
	static const int wanted[API_INSIDE_COUNT_][4] = {
		[API_INSIDE_FULL] = {200, 200, 201, 200},
		[API_INSIDE_UNPRIVILEGED] = {200, 200, 201, 200},
		[API_INSIDE_READ_ONLY] = {200, 200, 403, 403},
		[API_INSIDE_NONE] = {403, 403, 403, 403},
	};
	struct fixture *f = *state;
	char path[128];

	snprintf(path, sizeof(path), "%s/api.sock", f->dir);
	for (size_t i = 0; i < API_INSIDE_COUNT_; i++)
		for (int below = 0; below < 2; below++) {
			int got[4];

			f->inside = (enum api_inside)i;
			start_with_ports(f);
			request_from_a_descendant_namespace(f, below, got);
			if (memcmp(got, wanted[below ? i : API_INSIDE_FULL], sizeof(got)) != 0)
				fail_msg("policy %zu, below %d: %d %d %d %d", i, below, got[0],
					 got[1], got[2], got[3]);
			kill(f->server, SIGTERM);
			assert_int_equal(waitpid(f->server, NULL, 0), f->server);
			f->server = 0;
			unlink(path);
		}
}

static void post(int fd, const char *body)
{
	char head[256];

	snprintf(head, sizeof(head), "POST /v1/ports HTTP/1.1\r\nContent-Length: %zu\r\n\r\n%s",
		 strlen(body), body);
	say(fd, head);
}

/* Assert that @fd gets no answer while another client's request is answered. */
static void assert_waits(struct fixture *f, int fd)
{
	struct pollfd answer = {.fd = fd, .events = POLLIN};

	assert_int_equal(ask_for(client(f), "GET", "/v1/info", ""), 200);
	assert_int_equal(poll(&answer, 1, 0), 0);
}

static int hear_status(int fd, char *answer, size_t room)
{
	hear_one(fd, answer, room);
	return status_of(answer);
}

static void start_slow(struct fixture *f, unsigned request_ms)
{
	f->has_ports = f->ports.slow = true;
	start_limited(f, &(struct api_limits){request_ms, 64, 0});
}

/* Slow operations are answered in order when they are done; other requests meanwhile. */
static void answers_slow_operations_later(void **state)
{
	struct fixture *f = *state;
	char answer[4096], id[32];
	int fds[3];

	start_slow(f, PATIENCE_MS);
	for (int i = 0; i < 3; i++) {
		fds[i] = client(f);
		post(fds[i], SPEC);
		assert_waits(f, fds[i]);
	}
	kill(f->server, SIGUSR1);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(hear_status(fds[i], answer, sizeof(answer)), 201);
		snprintf(id, sizeof(id), "{\"id\":%d,", i + 1);
		assert_non_null(strstr(answer, id));
	}
	/* The connections stay usable. */
	say(fds[0], "DELETE /v1/ports/2 HTTP/1.1\r\n\r\n");
	assert_waits(f, fds[0]);
	assert_int_equal(count_ports(f), 3);
	kill(f->server, SIGUSR1);
	assert_int_equal(hear_status(fds[0], answer, sizeof(answer)), 200);
	assert_int_equal(count_ports(f), 2);
	/* The failure of a slow operation is reported, too. */
	say(fds[1], "DELETE /v1/ports/2 HTTP/1.1\r\n\r\n");
	assert_waits(f, fds[1]);
	kill(f->server, SIGUSR1);
	assert_int_equal(hear_status(fds[1], answer, sizeof(answer)), 400);
}

/* More requests arrive on a connection whose first request waits, together with it and later. */
static void handles_one_request_at_a_time(void **state)
{
	struct fixture *f = *state;
	char answer[4096];
	int fd;

	start_slow(f, PATIENCE_MS);
	fd = client(f);
	say(fd, "DELETE /v1/ports/7 HTTP/1.1\r\n\r\nGET /v1/info HTTP/1.1\r\n\r\n");
	assert_waits(f, fd);
	say(fd, "GET /v1/ports HTTP/1.1\r\n\r\n");
	assert_waits(f, fd);
	kill(f->server, SIGUSR1);
	assert_int_equal(hear_status(fd, answer, sizeof(answer)), 400);
	assert_int_equal(hear_status(fd, answer, sizeof(answer)), 200);
	assert_int_equal(hear_status(fd, answer, sizeof(answer)), 200);
}

/* A waiting connection is closed at its deadline, or its client disconnects. Then no answer is
 * sent, and the operation is not retried. */
static void forgets_clients_that_disconnect(void **state)
{
	struct fixture *f = *state;
	int fd;

	start_slow(f, REQUEST_MS);
	fd = client(f);
	post(fd, SPEC);
	assert_true(is_closed(fd));
	for (int i = 0; i < 3; i++) {
		fd = client(f);
		post(fd, SPEC);
		assert_waits(f, fd);
		f->clients[f->n_clients - 2] = f->clients[f->n_clients - 1];
		f->n_clients--;
		fd_close(fd);
	}
	/* These wait until the server closes them at their deadline. */
	(void)poll(NULL, 0, REQUEST_MS * 2);
	kill(f->server, SIGUSR1);
	assert_int_equal(count_ports(f), 0);
	/* One connection waits when the server stops. */
	post(client(f), SPEC);
	assert_int_equal(count_ports(f), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(answers_byte_by_byte),
		TEST(reads_bodies_in_pieces),
		TEST(limits_the_size_of_bodies),
		TEST(limits_the_depth_of_json),
		TEST(survives_races),
		TEST(survives_clients_that_leave),
		TEST(removes_ports_of_exited_owners),
		TEST(removes_them_without_a_request),
		TEST(the_connecting_process_is_the_owner),
		TEST(publishes_no_port_without_its_owner),
		TEST(distinguishes_clients_inside_and_outside),
		TEST(answers_slow_operations_later),
		TEST(handles_one_request_at_a_time),
		TEST(forgets_clients_that_disconnect),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

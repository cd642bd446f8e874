/* SPDX-License-Identifier: Apache-2.0 */
/* Ports over the REST server's socket: bodies of any form and size, many clients, those that leave.
 */
#include "test_api_fixture.h"

#define SPEC "{\"proto\":\"tcp\",\"parentPort\":0,\"childPort\":80}"

static void start_with_ports(struct fixture *f)
{
	f->has_ports = true;
	start_limited(f, &(struct api_limits){PATIENCE_MS, 64});
}

/* One request on a connection that stays open. Returns the status; @answer holds it all. */
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
static void takes_bodies_in_pieces(void **state)
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

/* 64 KiB is taken, one byte more is not; 1 GiB is refused before it is sent. */
static void bounds_bodies(void **state)
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

/* 100,000 deep is larger than a body may be; what may be is refused by its depth. */
static void bounds_nesting(void **state)
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
			/* Two clients each are after one id, which may not be there yet. */
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

/* A request that came whole is done, whether its client waits or not; half of one is not. */
static void survives_clients_that_leave(void **state)
{
	static const char request[] = "POST /v1/ports HTTP/1.1\r\nContent-Length: 45\r\n\r\n" SPEC;
	struct fixture *f = *state;
	struct deadline patience = deadline_in(PATIENCE_MS);

	start_with_ports(f);
	for (size_t n = 1; n <= strlen(request); n++) {
		int fd = client(f);

		say_n(fd, request, n);
		f->clients[--f->n_clients] = fd_close(fd);
	}
	/* The server sees them in its own time. */
	while (count_ports(f) == 0)
		assert_true(deadline_left(&patience) > 0);
	assert_int_equal(count_ports(f), 1);
	assert_int_equal(ask_for(client(f), "DELETE", "/v1/ports/1", ""), 200);
	assert_int_equal(count_ports(f), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(answers_byte_by_byte), TEST(takes_bodies_in_pieces),
		TEST(bounds_bodies),	    TEST(bounds_nesting),
		TEST(survives_races),	    TEST(survives_clients_that_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

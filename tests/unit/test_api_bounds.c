/* SPDX-License-Identifier: Apache-2.0 */
/* The REST server's limits on time, number and size, with clients that reach them. */
#include "test_api_fixture.h"

#include <event2/event.h>

#include "fauxroot/sys/message.h"
#include "fauxroot/sys/unix.h"
#include "lingering.h"

static void closes_silent_connections(void **state)
{
	struct fixture *f = *state;
	int fd;

	start(f);
	fd = client(f);
	assert_true(is_closed(fd));
	ask(client(f));
}

/* A slow but steady stream of bytes does not extend the deadline, in any part of a request. */
static void closes_slow_connections(void **state)
{
	static const char *const starts[] = {
		"",
		"GET /v1/info HTTP/1.1\r\nX: ",
		"POST /v1/ports HTTP/1.1\r\nContent-Length: 60000\r\n\r\n",
		"POST /v1/ports HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nea60\r\n",
	};
	struct deadline patience = deadline_in(PATIENCE_MS);
	struct fixture *f = *state;
	int fds[ARRAY_SIZE(starts)];
	int64_t since = clock_ms();

	start(f);
	for (size_t i = 0; i < ARRAY_SIZE(starts); i++)
		say(fds[i] = client(f), starts[i]);
	for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
		while (!readable_within(fds[i], 20)) {
			assert_true(deadline_left(&patience) > 0);
			for (size_t k = i; k < ARRAY_SIZE(starts); k++)
				(void)send(fds[k], "a", 1, MSG_NOSIGNAL);
		}
		assert_true(is_closed(fds[i]));
		assert_true(clock_ms() - since >= REQUEST_MS - 50);
	}
	ask(client(f));
}

/* The deadline is for a request: a client may stay after its answer. */
static void keeps_idle_connections(void **state)
{
	struct fixture *f = *state;
	int fd;

	start(f);
	fd = client(f);
	for (int i = 0; i < 2; i++) {
		ask(fd);
		assert_false(readable_within(fd, REQUEST_MS + REQUEST_MS / 2));
	}
	ask(fd);
}

/* 256 connections are open; each further one replaces the connection that is idle for longest. */
static void closes_the_longest_idle_for_a_new_client(void **state)
{
	enum { MANY = 256, MORE = 40 };
	struct fixture *f = *state;
	int first, fds[MANY + MORE];

	start_limited(f, &(struct api_limits){PATIENCE_MS, MANY, 0});
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

/* With slow clients on all other connections, a client about to send its request is kept. */
static void slow_clients_do_not_displace_fresh_ones(void **state)
{
	enum { SLOW = 20 };
	struct fixture *f = *state;
	int fresh, slow[SLOW];

	start_limited(f, &(struct api_limits){PATIENCE_MS, CONNECTIONS, PATIENCE_MS});
	for (int i = 0; i < CONNECTIONS - 1; i++)
		say(slow[i] = client(f), "GET /v1/");
	fresh = client(f);
	for (int i = CONNECTIONS - 1; i < SLOW; i++)
		say(slow[i] = client(f), "GET /v1/");
	assert_false(readable_within(fresh, 300));
	ask(fresh);
	/* After its answer it is idle, and the next slow client replaces it. */
	assert_true(is_closed(fresh));
	for (int i = 0; i < CONNECTIONS; i++)
		assert_false(readable_within(slow[i], 0));
}

/* Connections with an answer are closed first, even if fresh ones are older. */
static void closes_idle_connections_before_fresh_ones(void **state)
{
	enum { HALF = CONNECTIONS / 2 };
	struct fixture *f = *state;
	int fresh[HALF], idle[HALF];

	start_limited(f, &(struct api_limits){PATIENCE_MS, CONNECTIONS, PATIENCE_MS});
	for (int i = 0; i < HALF; i++)
		fresh[i] = client(f);
	for (int i = 0; i < HALF; i++)
		ask(idle[i] = client(f));
	for (int i = 0; i < HALF; i++) {
		ask(client(f));
		assert_true(is_closed(idle[i]));
	}
	for (int i = 0; i < HALF; i++)
		assert_false(readable_within(fresh[i], 0));
	/* What is left is fresh, or idle since a moment ago. */
	ask(client(f));
	for (int i = 0; i < HALF; i++)
		ask(fresh[i]);
}

/* Silent for longer than the limit for the first byte: the oldest connection is closed. */
static void closes_silent_connections_for_a_new_client(void **state)
{
	enum { FRESH_MS = 300 };
	struct fixture *f = *state;
	int64_t since;
	int silent[CONNECTIONS];

	start_limited(f, &(struct api_limits){PATIENCE_MS, CONNECTIONS, FRESH_MS});
	since = clock_ms();
	for (int i = 0; i < CONNECTIONS; i++)
		silent[i] = client(f);
	ask(client(f));
	assert_true(clock_ms() - since >= FRESH_MS - 50);
	assert_true(is_closed(silent[0]));
	for (int i = 1; i < CONNECTIONS; i++)
		assert_false(readable_within(silent[i], 0));
}

/* One of @fds has been closed, no other has anything to read: that one's index. */
static int only_closed(const int fds[CONNECTIONS])
{
	int found = -1;

	for (int i = 0; i < CONNECTIONS; i++) {
		if (!readable_within(fds[i], 0))
			continue;
		assert_int_equal(found, -1);
		assert_true(is_closed(fds[i]));
		found = i;
	}
	assert_int_not_equal(found, -1);
	return found;
}

/* A connection with a request that is not read yet is not idle. */
static void keeps_clients_with_a_request(void **state)
{
	struct fixture *f = *state;
	char answer[4096];
	int fds[CONNECTIONS], last, status;

	start_limited(f, &(struct api_limits){PATIENCE_MS, CONNECTIONS, PATIENCE_MS});
	for (int i = 0; i < CONNECTIONS; i++)
		ask(fds[i] = client(f));
	for (int round = 0; round < 20; round++) {
		kill(f->server, SIGSTOP);
		assert_int_equal(waitpid(f->server, &status, WUNTRACED), f->server);
		last = client(f);
		say(last, GET_INFO);
		for (int i = 0; i < CONNECTIONS; i++)
			say(fds[i], GET_INFO);
		kill(f->server, SIGCONT);
		for (int i = 0; i < CONNECTIONS; i++)
			hear_one(fds[i], answer, sizeof(answer));
		hear_one(last, answer, sizeof(answer));
		/* The client that was answered first has made room. Its number depends on the order
		 * in which epoll(7) reports the clients. */
		fds[only_closed(fds)] = last;
	}
}

/* More clients than the limit at once: all requests are answered. */
static void serves_a_crowd(void **state)
{
	enum { CROWD = 200 };
	struct fixture *f = *state;
	char answer[4096];
	int fds[CROWD];

	start_limited(f, &(struct api_limits){PATIENCE_MS, CONNECTIONS, 0});
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

/* If all connections are within a request, the next client waits until one is answered. */
static void waits_while_all_are_busy(void **state)
{
	struct fixture *f = *state;
	char answer[4096];
	int fds[CONNECTIONS], last;

	start_limited(f, &(struct api_limits){PATIENCE_MS, CONNECTIONS, 0});
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

/* Connections that stay busy are closed at their deadline, for the next client. */
static void closes_stuck_connections_for_a_new_client(void **state)
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

/* A client that sends requests and never reads: its buffers and its time are limited. */
static void limits_buffers_and_time(void **state)
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

/* Descriptors for three connections, and clients that keep theirs. */
static void survives_without_descriptors(void **state)
{
	struct fixture *f = *state;

	f->spare_fds = 4; /* one of them to find out */
	start_limited(f, &(struct api_limits){PATIENCE_MS, 100, 0});
	for (int i = 0; i < 30; i++)
		ask(client(f));
}

enum { BODY = 60000 };

/* Do large allocations of libevent fail? It joins the parts of a body in one. */
static bool libevent_lacks_memory;

/* event_set_mem_functions() */
static void *allocate(size_t size)
{
	return libevent_lacks_memory && size >= BODY ? NULL : malloc(size);
}

static void survives_without_memory_for_a_body(void **state)
{
	static const char head[] = "POST /v1/ports HTTP/1.1\r\nContent-Length: 60000\r\n\r\n";
	struct fixture *f = *state;
	char body[BODY], answer[4096];
	int fd;

	memset(body, ' ', sizeof(body));
	f->has_ports = true;
	libevent_lacks_memory = true;
	start_limited(f, &(struct api_limits){PATIENCE_MS, CONNECTIONS, 0});
	libevent_lacks_memory = false;
	fd = client(f);
	say(fd, head);
	say_n(fd, body, sizeof(body));
	assert_non_null(hear_one(fd, answer, sizeof(answer)));
	assert_int_equal(status_of(answer), 503);
	ask(client(f));
}

/* The kernel closes a descriptor that the server does not receive: within the server's read(2), or
 * when the server closes the connection. */
static void descriptors_of_clients_do_not_keep_the_server(void **state)
{
	struct fixture *f = *state;
	struct lingering l[3];
	int64_t since = clock_ms();
	int status;

	f->takes_fds = true;
	start_limited(f, &(struct api_limits){PATIENCE_MS, CONNECTIONS, 0});
	for (size_t i = 0; i < ARRAY_SIZE(l); i++) {
		int fd = client(f);

		/* After the server's fork: it has no copy of its own. While it is stopped, the last
		 * copy is in the message. */
		l[i] = lingering_open();
		kill(f->server, SIGSTOP);
		assert_int_equal(waitpid(f->server, &status, WUNTRACED), f->server);
		assert_int_equal(message_send(fd, "GET /v1/", 8, &l[i].fd, 1), 0);
		fd_close(l[i].fd);
		if (i == ARRAY_SIZE(l) - 1)
			kill(f->server, SIGTERM);
		kill(f->server, SIGCONT);
		if (i < ARRAY_SIZE(l) - 1)
			ask(client(f));
	}
	assert_int_equal(waitpid(f->server, &status, 0), f->server);
	f->server = 0;
	assert_int_equal(status, 0);
	assert_true(clock_ms() - since < LINGER_S * 1000 / 3);
	for (size_t i = 0; i < ARRAY_SIZE(l); i++)
		lingering_close(&l[i]);
}

/* Since Linux 6.16. */
static void clients_cannot_send_descriptors(void **state)
{
	struct fixture *f = *state;
	int fd, pair[2];

	assert_int_equal(message_pair(pair), 0);
	unix_refuse_fds(pair[0]);
	start_limited(f, &(struct api_limits){PATIENCE_MS, CONNECTIONS, 0});
	fd = client(f);
	assert_int_equal(message_send(fd, "G", 1, &fd, 1), unix_takes_fds(pair[0]) ? 0 : -EPERM);
	ask(client(f));
	fd_close(pair[0]);
	fd_close(pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(closes_silent_connections),
		TEST(closes_slow_connections),
		TEST(keeps_idle_connections),
		TEST(closes_the_longest_idle_for_a_new_client),
		TEST(slow_clients_do_not_displace_fresh_ones),
		TEST(closes_idle_connections_before_fresh_ones),
		TEST(closes_silent_connections_for_a_new_client),
		TEST(keeps_clients_with_a_request),
		TEST(serves_a_crowd),
		TEST(waits_while_all_are_busy),
		TEST(closes_stuck_connections_for_a_new_client),
		TEST(limits_buffers_and_time),
		TEST(survives_without_descriptors),
		TEST(survives_without_memory_for_a_body),
		TEST(descriptors_of_clients_do_not_keep_the_server),
		TEST(clients_cannot_send_descriptors),
	};

	event_set_mem_functions(allocate, realloc, free);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
